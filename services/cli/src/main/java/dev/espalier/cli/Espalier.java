package dev.espalier.cli;

import dev.espalier.cli.bench.BenchCommand;
import dev.espalier.cli.demo.DemoCommand;
import dev.espalier.cli.export.ExportCommand;
import dev.espalier.cli.history.CollectCommand;
import dev.espalier.cli.history.DeadLetterCommand;
import dev.espalier.cli.history.ExplainCommand;
import dev.espalier.cli.history.ReplayCommand;
import dev.espalier.cli.history.WhatIfCommand;
import dev.espalier.cli.local.DownCommand;
import dev.espalier.cli.local.LogsCommand;
import dev.espalier.cli.local.StatusCommand;
import dev.espalier.cli.local.UpCommand;
import dev.espalier.cli.registry.DatasetCommand;
import dev.espalier.cli.registry.ModelCommand;
import dev.espalier.cli.sweep.CancelCommand;
import dev.espalier.cli.sweep.DeleteCommand;
import dev.espalier.cli.sweep.ListCommand;
import dev.espalier.cli.sweep.MethodsCommand;
import dev.espalier.cli.sweep.PauseCommand;
import dev.espalier.cli.sweep.PlanCommand;
import dev.espalier.cli.sweep.ReportCommand;
import dev.espalier.cli.sweep.ResumeCommand;
import dev.espalier.cli.sweep.SubmitCommand;
import dev.espalier.cli.sweep.WatchCommand;
import dev.espalier.sweep.spec.Violation;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command line. */
@Command(
    name = "espalier",
    description = "Prunes Vision Transformers in sweeps of experiments.",
    mixinStandardHelpOptions = true,
    version = "Espalier 0.1.0",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      DemoCommand.class,
      UpCommand.class,
      DownCommand.class,
      StatusCommand.class,
      LogsCommand.class,
      MethodsCommand.class,
      PlanCommand.class,
      SubmitCommand.class,
      WatchCommand.class,
      ListCommand.class,
      ReportCommand.class,
      PauseCommand.class,
      ResumeCommand.class,
      CancelCommand.class,
      DeleteCommand.class,
      ExplainCommand.class,
      ReplayCommand.class,
      WhatIfCommand.class,
      DeadLetterCommand.class,
      CollectCommand.class,
      DatasetCommand.class,
      ModelCommand.class,
      ExportCommand.class,
      BenchCommand.class
    },
    footerHeading = "%nStart here:%n",
    footer = {
      "  espalier demo                    a sweep from submission to report, in minutes",
      "  espalier up                      start the services and leave them running",
      "  espalier plan sweep.yaml         what a sweep would do",
      "  espalier submit sweep.yaml --watch",
      "%nExit codes: 0 done, 1 failed, 2 bad input."
    })
public final class Espalier implements Runnable {

  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "name a command");
  }

  public static void main(String[] arguments) {
    System.exit(commandLine().execute(arguments));
  }

  /** Every subcommand has help and the same answer to errors. */
  public static CommandLine commandLine() {
    CommandLine line = new CommandLine(new Espalier());
    line.setUsageHelpAutoWidth(true);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExecutionExceptionHandler((error, command, parsed) -> report(error, command));
    line.setParameterExceptionHandler(Espalier::reportUsage);
    addHelp(line);
    return line;
  }

  private static void addHelp(CommandLine line) {
    for (CommandLine command : line.getSubcommands().values()) {
      command.getCommandSpec().mixinStandardHelpOptions(true);
      command.getCommandSpec().version("Espalier 0.1.0");
      addHelp(command);
    }
  }

  private static int reportUsage(ParameterException error, String[] arguments) {
    CommandLine command = error.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("espalier: " + error.getMessage());
    if (!CommandLine.UnmatchedArgumentException.printSuggestions(error, err)) {
      err.println("try: " + command.getCommandSpec().qualifiedName() + " --help");
    }
    err.flush();
    return ExitCode.BAD_INPUT;
  }

  private static int report(Exception error, CommandLine command) {
    Interruption.parkIfInProgress();
    PrintWriter err = command.getErr();
    int code;
    if (error instanceof BadInput bad) {
      if (wantsJson(command)) {
        printJson(command, Map.of("violations", bad.violations()));
      }
      err.println("espalier: bad input");
      bad.violations().forEach(violation -> err.println(lines(violation)));
      code = ExitCode.BAD_INPUT;
    } else if (error instanceof CommandFailed) {
      if (wantsJson(command)) {
        printJson(command, Map.of("error", error.getMessage()));
      }
      err.println("espalier: " + error.getMessage());
      code = ExitCode.FAILED;
    } else {
      err.println("espalier: this should not have happened: " + error);
      if (System.getenv("ESPALIER_DEBUG") != null) {
        error.printStackTrace(err);
      } else {
        err.println("ESPALIER_DEBUG=1 shows where");
      }
      code = ExitCode.FAILED;
    }
    err.flush();
    return code;
  }

  private static boolean wantsJson(CommandLine command) {
    Map<String, Object> mixins = Map.copyOf(command.getMixins());
    return mixins.values().stream().anyMatch(mixin -> mixin instanceof Context c && c.json());
  }

  private static void printJson(CommandLine command, Object tree) {
    for (Object mixin : List.copyOf(command.getMixins().values())) {
      if (mixin instanceof Context context) {
        context.printJson(tree);
      }
    }
  }

  private static String lines(Violation violation) {
    return "  %s%n    expected  %s%n    found     %s"
        .formatted(
            violation.field().isEmpty() ? "(the whole text)" : violation.field(),
            violation.expected(),
            violation.found());
  }
}
