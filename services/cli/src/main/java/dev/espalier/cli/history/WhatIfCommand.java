package dev.espalier.cli.history;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.cli.Context;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.server.Scheduler;
import dev.espalier.cli.text.Table;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Applies another rule to the curves that a sweep recorded. */
@Command(
    name = "what-if",
    description = {
      "Tell what a stopping rule, or asha, would have made of a sweep: which trials it would have",
      "stopped, how many epochs that saves, and whether a winner would have been lost.",
      "What is not on record is marked unknown."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  espalier what-if 3f2a9c1b7d604e58 --rule median --grace-epochs 2",
      "  espalier what-if 3f2a9c1b7d604e58 --rule loss --max-loss 0.05 --grace-epochs 3",
      "  espalier what-if 3f2a9c1b7d604e58 --rule asha --eta 3"
    })
public final class WhatIfCommand implements Callable<Integer> {

  @Mixin private Context context;

  @Parameters(paramLabel = "SWEEP", description = "Its id, as list shows it.")
  private String sweepId;

  @Option(
      names = "--rule",
      required = true,
      paramLabel = "RULE",
      description = "median, loss or asha.")
  private String rule;

  @Option(
      names = "--grace-epochs",
      paramLabel = "N",
      description = "median, loss: first epoch after the cut that is judged; default 1.")
  private Integer graceEpochs;

  @Option(
      names = "--min-trials",
      paramLabel = "N",
      description = "median: others that must have come that far; default 3.")
  private Integer minTrials;

  @Option(
      names = "--max-loss",
      paramLabel = "SHARE",
      description = "loss: top-1 that a trial may lack of the base's, in (0, 1).")
  private Double maxLoss;

  @Option(
      names = "--min-epochs",
      paramLabel = "N",
      description = "asha: epochs of the first rung; default 1.")
  private Integer minEpochs;

  @Option(
      names = "--eta",
      paramLabel = "N",
      description = "asha: the best 1/eta of a rung train on; default 3.")
  private Integer eta;

  @Override
  public Integer call() {
    JsonNode answer =
        context.scheduler().get("/sweeps/" + Scheduler.encoded(sweepId) + "/what-if?" + query());
    if (context.json()) {
      context.printJson(answer);
    } else {
      print(answer);
    }
    return ExitCode.DONE;
  }

  private String query() {
    Map<String, Object> given = new LinkedHashMap<>();
    given.put("rule", Scheduler.encoded(rule));
    given.put("graceEpochs", graceEpochs);
    given.put("minTrials", minTrials);
    given.put("maxLoss", maxLoss);
    given.put("minEpochs", minEpochs);
    given.put("eta", eta);
    return given.entrySet().stream()
        .filter(entry -> entry.getValue() != null)
        .map(entry -> entry.getKey() + "=" + entry.getValue())
        .collect(Collectors.joining("&"));
  }

  private static void print(JsonNode answer) {
    Table trials = new Table("TRIAL", "TARGET", "FATE", "AFTER", "EPOCHS", "SAVED", "BECAUSE");
    for (JsonNode trial : answer.path("trials")) {
      trials.row(
          trial.path("trialId").asText(),
          trial.path("target").asText(),
          trial.path("fate").asText().toLowerCase(Locale.ROOT),
          trial.path("stopEpoch").asText("-"),
          trial.path("epochs").asText(),
          trial.path("savedEpochs").asText(),
          trial.path("reason").asText(""));
    }
    trials.lines().forEach(System.out::println);
    System.out.printf(
        "%n%s of %s recorded epochs would have been saved; of %s trials the end is unknown%n",
        answer.path("savedEpochs").asText(),
        answer.path("epochs").asText(),
        answer.path("unknownTrials").asText());
    for (JsonNode winner : answer.path("winners")) {
      System.out.printf(
          Locale.ROOT,
          "best of %s, %s (top-1 %.4f): %s%s%n",
          winner.path("target").asText(),
          winner.path("trialId").asText(),
          winner.path("top1Accuracy").asDouble(),
          winner.path("fate").asText().equals("STOPPED")
              ? "lost"
              : winner.path("fate").asText().toLowerCase(Locale.ROOT),
          winner.path("fate").asText().equals("STOPPED") && winner.has("bestKeptTrialId")
              ? String.format(
                  Locale.ROOT,
                  "; the best that is left is %s (%.4f)",
                  winner.path("bestKeptTrialId").asText(),
                  winner.path("bestKeptTop1Accuracy").asDouble())
              : "");
    }
  }
}
