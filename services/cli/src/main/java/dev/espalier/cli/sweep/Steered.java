package dev.espalier.cli.sweep;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.server.Scheduler;
import java.util.Locale;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is steered, a sweep or one of its trials: shared by pause, resume and cancel. */
final class Steered {

  @Parameters(paramLabel = "SWEEP", description = "Its id.")
  private String sweepId;

  @Option(
      names = "--trial",
      paramLabel = "TRIAL",
      description = "Only this trial of the sweep; stages that others wait for go on.")
  private String trialId;

  /**
   * Asks the scheduler and prints where sweep or trial stands now.
   *
   * @param verb pause, resume or cancel
   */
  int ask(Context context, String verb) {
    String path = "/sweeps/" + Scheduler.encoded(sweepId);
    if (trialId != null) {
      path += "/trials/" + Scheduler.encoded(trialId);
    }
    JsonNode answer = context.scheduler().post(path + "/" + verb);
    if (context.json()) {
      context.printJson(answer);
    } else {
      String state = answer.path("state").asText().toLowerCase(Locale.ROOT);
      System.out.printf(
          "%s %s%s%n",
          trialId == null ? sweepId : trialId,
          state,
          answer.path("paused").asBoolean() ? ", paused" : "");
    }
    return ExitCode.DONE;
  }
}
