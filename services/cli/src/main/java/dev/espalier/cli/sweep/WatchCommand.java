package dev.espalier.cli.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.progress.Snapshot;
import dev.espalier.cli.progress.Watch;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.cli.text.Screen;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Follows a sweep. */
@Command(
    name = "watch",
    description = {
      "Follow a sweep until it has ended, then print its table.",
      "In a terminal a picture that is redrawn; in a pipe one line for each change.",
      "Exit code 1 where a trial failed or the sweep was cancelled."
    },
    footerHeading = "%nExamples:%n",
    footer = {"  espalier watch 3f2a9c1b7d604e58", "  espalier watch 3f2a9c1b7d604e58 -o json"})
public final class WatchCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Parameters(paramLabel = "SWEEP", description = "Its id.")
  private String sweepId;

  @Override
  public Integer call() {
    return watch(context, context.scheduler(), sweepId);
  }

  static int watch(Context context, Scheduler scheduler, String sweepId) {
    long start = System.nanoTime();
    // With JSON, standard output is the result alone and the progress goes beside it.
    Screen screen = context.json() ? new Screen(System.err, false, 100, false) : context.screen();
    Snapshot last =
        new Watch(scheduler, screen).follow(sweepId, () -> (System.nanoTime() - start) / 1e9);
    JsonNode results = scheduler.get("/sweeps/" + Scheduler.encoded(sweepId) + "/results");
    if (context.json()) {
      context.printJson(results);
    } else {
      System.out.println();
      ResultsTable.lines(results).forEach(System.out::println);
    }
    return last.state().equals("COMPLETED") && last.failed() == 0 ? ExitCode.DONE : ExitCode.FAILED;
  }
}
