package dev.espalier.cli.progress;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Where a sweep stood when the scheduler was asked.
 *
 * @param reason why it stopped early; empty if it did not
 * @param stopped trials that strategy or stopping rule ended
 * @param etaSeconds NaN while unknown
 */
public record Snapshot(
    String id,
    String name,
    String state,
    String reason,
    int trials,
    int succeeded,
    int failed,
    int cancelled,
    int stopped,
    List<Stages> stages,
    double etaSeconds,
    Optional<Best> best,
    List<Running> running,
    List<Failure> failures) {

  /** Stages of one kind. */
  public record Stages(
      String kind, int total, int running, int done, int failed, int shared, int reused) {}

  /** The most accurate trial. */
  public record Best(String trialId, String label, double top1Accuracy) {}

  /**
   * A stage at work.
   *
   * @param epoch -1 before the first evaluation
   */
  public record Running(
      String stageId,
      String kind,
      String label,
      long step,
      long totalSteps,
      double imagesPerSecond,
      long epoch,
      double top1Accuracy) {}

  /** A trial that failed. */
  public record Failure(String trialId, String code, String message) {}

  /** Of the answer to {@code GET /sweeps/{id}}. */
  public static Snapshot of(JsonNode tree) {
    List<Stages> stages = new ArrayList<>();
    for (JsonNode stage : tree.path("stages")) {
      stages.add(
          new Stages(
              stage.path("kind").asText().toLowerCase(Locale.ROOT),
              stage.path("total").asInt(),
              stage.path("running").asInt(),
              stage.path("done").asInt(),
              stage.path("failed").asInt(),
              stage.path("shared").asInt(),
              stage.path("reused").asInt()));
    }
    List<Running> running = new ArrayList<>();
    for (JsonNode stage : tree.path("running")) {
      running.add(
          new Running(
              stage.path("stageId").asText(),
              stage.path("kind").asText().toLowerCase(Locale.ROOT),
              label(stage),
              stage.path("step").asLong(),
              stage.path("totalSteps").asLong(),
              stage.path("imagesPerSecond").asDouble(0),
              stage.hasNonNull("epoch") ? stage.path("epoch").asLong() : -1,
              stage.path("top1Accuracy").asDouble(0)));
    }
    List<Failure> failures = new ArrayList<>();
    for (JsonNode failure : tree.path("failures")) {
      failures.add(
          new Failure(
              failure.path("trialId").asText(),
              failure.path("code").asText(),
              failure.path("message").asText()));
    }
    JsonNode best = tree.path("best");
    JsonNode trials = tree.path("trials");
    return new Snapshot(
        tree.path("id").asText(),
        tree.path("name").asText(),
        tree.path("state").asText(),
        tree.path("reason").asText(""),
        trials.path("total").asInt(),
        trials.path("succeeded").asInt(),
        trials.path("failed").asInt(),
        trials.path("cancelled").asInt(),
        trials.path("stopped").asInt(),
        stages,
        tree.hasNonNull("etaSeconds") ? tree.path("etaSeconds").asDouble() : Double.NaN,
        best.isObject()
            ? Optional.of(
                new Best(
                    best.path("trialId").asText(),
                    label(best),
                    best.path("top1Accuracy").asDouble()))
            : Optional.empty(),
        running,
        failures);
  }

  /** "nvit + smooth, macs 0.50, seed 1". */
  static String label(JsonNode trial) {
    String label = methodLabel(trial);
    if (trial.hasNonNull("keepRatio")) {
      label +=
          String.format(
              Locale.ROOT,
              ", %s %.2f",
              trial.path("targetKind").asText(),
              trial.path("keepRatio").asDouble());
    }
    return trial.hasNonNull("seed") ? label + ", seed " + trial.path("seed").asLong() : label;
  }

  /** "nvit + smooth", or "nvit" without redistribution. */
  public static String methodLabel(JsonNode trial) {
    String policy = trial.path("redistribution").asText("none");
    String method = trial.path("method").asText();
    return policy.equals("none") || policy.isEmpty() ? method : method + " + " + policy;
  }

  public boolean ended() {
    return state.equals("COMPLETED") || state.equals("CANCELLED");
  }

  public int endedTrials() {
    return succeeded + failed + cancelled + stopped;
  }

  /** Work done so far, in [0, 1]: stages, the running ones by their steps. */
  public double share() {
    double done = 0;
    int total = 0;
    for (Stages kind : stages) {
      done += kind.done() + kind.failed();
      total += kind.total();
    }
    for (Running stage : running) {
      if (stage.totalSteps() > 0) {
        done += Math.min(1, stage.step() / (double) stage.totalSteps());
      }
    }
    return total == 0 ? 0 : Math.min(1, done / total);
  }
}
