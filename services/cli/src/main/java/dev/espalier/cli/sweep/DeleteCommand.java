package dev.espalier.cli.sweep;

import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.server.Scheduler;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Deletes a sweep that has ended. */
@Command(
    name = "delete",
    description = {
      "Delete a sweep that has ended: nobody is shown it any more. Some days later,",
      "7 unless the scheduler is told otherwise, its events go, too, and the results",
      "that no other sweep shares. Cancel a sweep first that has not ended."
    },
    footerHeading = "%nExamples:%n",
    footer = "  espalier delete 3f2a9c1b7d604e58")
public final class DeleteCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Parameters(paramLabel = "SWEEP", description = "Its id.")
  private String sweepId;

  @Override
  public Integer call() {
    context.scheduler().delete("/sweeps/" + Scheduler.encoded(sweepId));
    System.out.println(sweepId + " deleted");
    return ExitCode.DONE;
  }
}
