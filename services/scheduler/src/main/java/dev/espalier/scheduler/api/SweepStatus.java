package dev.espalier.scheduler.api;

import java.time.Instant;
import java.util.List;

/**
 * Where a sweep stands, for those who wait for it.
 *
 * @param state ACCEPTED, RUNNING, PAUSED, CAPPED (stops at its cap), COMPLETED or CANCELLED
 * @param etaSeconds expected time to the end; null while nothing like it was measured
 * @param deviceHours slot time of its attempts so far
 * @param deviceHoursCap after which it stops by itself; null without
 * @param reason why it stopped; null unless it was cancelled or reached a cap
 * @param best most accurate trial so far; null before the first has ended
 */
public record SweepStatus(
    String id,
    String name,
    String team,
    String state,
    int run,
    Instant acceptedAt,
    Instant endedAt,
    Trials trials,
    List<StageCount> stages,
    Double etaSeconds,
    double deviceHours,
    Double deviceHoursCap,
    String reason,
    Best best,
    List<RunningStage> running,
    List<FailedTrial> failures) {

  /**
   * @param total trials of the whole grid; for a bisection the most that it may take
   * @param planned trials that wait
   * @param stopped by strategy or stopping rule
   * @param paused of those planned and running, the ones that are paused by themselves
   */
  public record Trials(
      int total,
      int planned,
      int running,
      int succeeded,
      int failed,
      int cancelled,
      int stopped,
      int paused) {}

  /**
   * Stages of one kind that the sweep needs, each counted once.
   *
   * @param kind SEARCH, PRUNE, REDISTRIBUTE, FINETUNE or EVALUATE
   * @param done succeeded
   * @param shared claimed by several trials, of this sweep or others
   * @param reused done before this sweep asked
   */
  public record StageCount(
      String kind,
      int total,
      int waiting,
      int running,
      int done,
      int failed,
      int shared,
      int reused) {}

  public record Best(
      String trialId,
      String method,
      String redistribution,
      String targetKind,
      double keepRatio,
      long seed,
      double top1Accuracy) {}

  /**
   * A stage that a worker has now; the trial is one of those that wait for it.
   *
   * @param epoch latest evaluated epoch; null without one
   * @param top1Accuracy validation accuracy after it
   */
  public record RunningStage(
      String stageId,
      String kind,
      String algorithm,
      String trialId,
      String method,
      String redistribution,
      String targetKind,
      Double keepRatio,
      Long seed,
      String worker,
      String device,
      Instant startedAt,
      Long step,
      Long totalSteps,
      Double imagesPerSecond,
      Long epoch,
      Double top1Accuracy) {}

  public record FailedTrial(
      String trialId, String stageId, String category, String code, String message) {}

  /** A sweep in a list. */
  public record Line(
      String id,
      String name,
      String team,
      String state,
      int run,
      int trials,
      int succeeded,
      int failed,
      int cancelled,
      int stopped,
      Instant acceptedAt,
      Instant endedAt) {}

  /**
   * A trial after it was steered.
   *
   * @param state PLANNED, RUNNING, SUCCEEDED, FAILED, CANCELLED or STOPPED
   * @param paused whether its stages wait until it is resumed
   */
  public record TrialLine(String id, String sweepId, String state, boolean paused) {}
}
