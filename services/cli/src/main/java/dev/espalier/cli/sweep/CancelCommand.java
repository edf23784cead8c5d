package dev.espalier.cli.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.server.Scheduler;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Cancels a sweep. */
@Command(
    name = "cancel",
    description = {
      "Cancel a sweep. Finished trials keep their results; stages that other sweeps wait for go on."
    },
    footerHeading = "%nExamples:%n",
    footer = "  espalier cancel 3f2a9c1b7d604e58")
public final class CancelCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Parameters(paramLabel = "SWEEP", description = "Its id.")
  private String sweepId;

  @Override
  public Integer call() {
    JsonNode answer = context.scheduler().post("/sweeps/" + Scheduler.encoded(sweepId) + "/cancel");
    if (context.json()) {
      context.printJson(answer);
    } else {
      System.out.printf("%s %s%n", sweepId, answer.path("state").asText("CANCELLED").toLowerCase());
    }
    return ExitCode.DONE;
  }
}
