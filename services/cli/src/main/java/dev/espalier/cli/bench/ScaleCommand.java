package dev.espalier.cli.bench;

import dev.espalier.cli.Context;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures the scheduler over a broker and a database of their own, with simulated workers. */
final class ScaleCommand {

  private ScaleCommand() {}

  /** What is simulated. */
  static final class Size {
    @Option(
        names = "--cells",
        paramLabel = "N",
        defaultValue = "1000",
        description = "Trials of all sweeps together. Default: 1000.")
    int cells;

    @Option(
        names = "--workers",
        paramLabel = "N",
        defaultValue = "16",
        description = "Simulated workers, with 64 slots together. Default: 16.")
    int workers;

    @Option(
        names = "--rate",
        paramLabel = "N",
        defaultValue = "200",
        description = "Stages offered a second, for assign. Default: 200.")
    int rate;
  }

  /** Assignments. */
  @Command(
      name = "assign",
      description = "Measure assignments a second, and their delays until commit and arrival.",
      footerHeading = "%nExamples:%n",
      footer = "  espalier bench assign --cells 4000 --workers 16 -o json")
  static final class Assign implements Callable<Integer> {
    @Mixin private Context context;
    @Mixin private Size size;

    @Override
    public Integer call() {
      return run("assign", context, size);
    }
  }

  /** Planning. */
  @Command(
      name = "plan",
      description = "Measure how long a sweep takes to be planned.",
      footerHeading = "%nExamples:%n",
      footer = "  espalier bench plan --cells 10000 -o json")
  static final class Plan implements Callable<Integer> {
    @Mixin private Context context;
    @Mixin private Size size;

    @Override
    public Integer call() {
      return run("plan", context, size);
    }
  }

  /** Curves. */
  @Command(
      name = "metrics",
      description = "Measure points of curves a second, and their delay until they are seen.",
      footerHeading = "%nExamples:%n",
      footer = "  espalier bench metrics --cells 1000 -o json")
  static final class Metrics implements Callable<Integer> {
    @Mixin private Context context;
    @Mixin private Size size;

    @Override
    public Integer call() {
      return run("metrics", context, size);
    }
  }

  /** Rebuilding. */
  @Command(
      name = "replay",
      description = "Measure how fast all tables are built again from their events.",
      footerHeading = "%nExamples:%n",
      footer = "  espalier bench replay --cells 10000 -o json")
  static final class Replay implements Callable<Integer> {
    @Mixin private Context context;
    @Mixin private Size size;

    @Override
    public Integer call() {
      return run("replay", context, size);
    }
  }

  /** What Grafana asks. */
  @Command(
      name = "boards",
      description = "Measure the boards' queries over one sweep with a million points.",
      footerHeading = "%nExamples:%n",
      footer = "  espalier bench boards --cells 3000 -o json")
  static final class Boards implements Callable<Integer> {
    @Mixin private Context context;
    @Mixin private Size size;

    @Override
    public Integer call() {
      return run("boards", context, size);
    }
  }

  /** The services' libraries bring this log manager, which complains when it is not the first. */
  private static final String LOGGING =
      "-Djava.util.logging.manager=org.jboss.logmanager.LogManager";

  /** The scheduler as its service carries it, and the servers as the supervisor does. */
  private static String classPath(Path home) {
    Path scheduler = home.resolve("services/scheduler/target/quarkus-app");
    Path standalone = home.resolve("services/standalone/target");
    return String.join(
        File.pathSeparator,
        BenchCommand.jar(home, "benchmarks").toString(),
        BenchCommand.jar(home, "testkit").toString(),
        scheduler.resolve("app/*").toString(),
        scheduler.resolve("lib/main/*").toString(),
        scheduler.resolve("lib/boot/*").toString(),
        standalone.resolve("espalier-standalone.jar").toString(),
        standalone.resolve("lib/*").toString());
  }

  private static int run(String what, Context context, Size size) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx2g", "-Djava.net.preferIPv4Stack=true", LOGGING));
    command.add("-Despalier.home=" + Context.home());
    command.addAll(List.of("-cp", classPath(Context.home())));
    command.add("dev.espalier.benchmarks.scheduling.ScaleBench");
    command.addAll(
        List.of(
            what,
            "--cells",
            "" + size.cells,
            "--workers",
            "" + size.workers,
            "--rate",
            "" + size.rate,
            "--output",
            context.json() ? "json" : "text"));
    return BenchCommand.run(command, Map.of());
  }
}
