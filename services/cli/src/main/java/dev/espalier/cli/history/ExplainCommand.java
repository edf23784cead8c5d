package dev.espalier.cli.history;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.CommandFailed;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.server.Scheduler;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Tells why a trial is where it is. */
@Command(
    name = "explain",
    description = "Tell why a trial is where it is, and which events led there.",
    footerHeading = "%nExamples:%n",
    footer = "  espalier explain 3f2a9c1b7d604e58-0a1b2c3d-s1")
public final class ExplainCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Parameters(paramLabel = "TRIAL", description = "Its id, as watch and the report show it.")
  private String trialId;

  @Override
  public Integer call() {
    JsonNode answer =
        context
            .scheduler()
            .find("/trials/" + Scheduler.encoded(trialId) + "/explanation")
            .orElseThrow(() -> new CommandFailed("trial " + trialId + " is not there"));
    if (context.json()) {
      context.printJson(answer);
      return ExitCode.DONE;
    }
    System.out.printf(
        "%s is %s: %s%n%n",
        trialId,
        answer.path("state").asText().toLowerCase(Locale.ROOT),
        answer.path("why").asText());
    for (JsonNode line : answer.path("history")) {
      String time = line.path("at").asText().replace('T', ' ').replaceFirst("\\..*|Z$", "");
      System.out.printf(
          "%s  %-12s %s%n", time, line.path("subject").asText(), line.path("what").asText());
      if (!line.path("because").asText().isEmpty()) {
        System.out.printf("%33s because: %s%n", "", line.path("because").asText());
      }
    }
    return ExitCode.DONE;
  }
}
