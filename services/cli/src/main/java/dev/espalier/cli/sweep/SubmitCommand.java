package dev.espalier.cli.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.registry.Shipped;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.cli.text.Units;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Hands a sweep in. */
@Command(
    name = "submit",
    description = {
      "Hand a sweep in and print its id.",
      "The shipped model and dataset are registered where they are not.",
      "A sweep that was handed in before is not run again: its id, and so its results, are the same."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  espalier submit sweep.yaml",
      "  espalier submit sweep.yaml --watch",
      "  id=$$(espalier submit sweep.yaml -o json | jq -r .sweepId)"
    })
public final class SubmitCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Parameters(paramLabel = "FILE", description = "The sweep as YAML or JSON; - for standard input.")
  private Path file;

  @Option(
      names = "--run",
      paramLabel = "N",
      defaultValue = "0",
      description = "Run an equal sweep once more under another number; its stages are reused.")
  private int run;

  @Option(names = "--watch", description = "Follow it until it has ended.")
  private boolean watch;

  @Override
  public Integer call() {
    SweepFile sweep = SweepFile.read(file);
    Scheduler scheduler = context.scheduler();
    bringShipped(scheduler, "models", sweep.spec().model());
    bringShipped(scheduler, "datasets", sweep.spec().dataset());
    JsonNode answer = scheduler.submit(sweep.text(), run);
    String id = answer.path("sweepId").asText();
    if (context.json()) {
      if (!watch) {
        context.printJson(answer);
      }
    } else {
      System.out.println(id);
      System.err.printf(
          "%s%s, %s%n",
          answer.path("attached").asBoolean() ? "was handed in before, " : "",
          answer.path("state").asText(),
          Units.plural(answer.path("trials").asLong(), "trial"));
    }
    return watch ? WatchCommand.watch(context, scheduler, id) : ExitCode.DONE;
  }

  private static void bringShipped(Scheduler scheduler, String collection, String name) {
    Shipped.find(collection, name)
        .filter(item -> item.registerIfMissing(scheduler))
        .ifPresent(item -> System.err.println("registered " + name + ", which is shipped"));
  }
}
