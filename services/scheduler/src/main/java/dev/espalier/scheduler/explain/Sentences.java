package dev.espalier.scheduler.explain;

import dev.espalier.scheduler.wire.SharedWire;
import dev.espalier.schemas.stage.v1.AttemptEnded;
import dev.espalier.schemas.stage.v1.FailureCause;
import dev.espalier.schemas.stage.v1.StageEvent;
import dev.espalier.schemas.sweep.v1.BisectionStepped;
import dev.espalier.schemas.sweep.v1.SweepEvent;
import dev.espalier.schemas.trial.v1.Cell;
import dev.espalier.schemas.trial.v1.TrialEvent;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Locale;

/** Events in plain words. An event without words of its own is named by its type. */
final class Sentences {

  private static final String CATEGORY_PREFIX = "FAILURE_CATEGORY_";

  private Sentences() {}

  static String of(SweepEvent event) {
    return switch (event.getEventCase()) {
      case SWEEP_ACCEPTED ->
          "accepted with %d cells in %d trials"
              .formatted(event.getSweepAccepted().getCells(), event.getSweepAccepted().getTrials());
      case TRIALS_PLANNED ->
          "planned %d trials".formatted(event.getTrialsPlanned().getTrialIdsCount());
      case SWEEP_PAUSED -> "paused: its stages are held and running ones give their work back";
      case SWEEP_RESUMED -> "resumed";
      case SWEEP_CANCELLED -> cancelled(event.getSweepCancelled().getReason());
      case SWEEP_COMPLETED ->
          "completed: %d trials succeeded, %d failed, %d were cancelled, %d were stopped"
              .formatted(
                  event.getSweepCompleted().getSucceeded(),
                  event.getSweepCompleted().getFailed(),
                  event.getSweepCompleted().getCancelled(),
                  event.getSweepCompleted().getStopped());
      case TRIAL_EPOCH_REACHED ->
          String.format(
              Locale.ROOT,
              "trial %s came to epoch %d with top-1 %.4f%s",
              event.getTrialEpochReached().getTrialId(),
              event.getTrialEpochReached().getEpoch(),
              event.getTrialEpochReached().getTop1Accuracy(),
              event.getTrialEpochReached().getAwaitsPromotion()
                  ? " and waits until its cell is promoted"
                  : "");
      case CELL_PROMOTED ->
          String.format(
              Locale.ROOT,
              "promoted cell %s to rung %d, %d epochs: number %d of %d, mean top-1 %.4f",
              event.getCellPromoted().getCellId(),
              event.getCellPromoted().getRung(),
              event.getCellPromoted().getEpochs(),
              event.getCellPromoted().getRank(),
              event.getCellPromoted().getEntries(),
              event.getCellPromoted().getTop1Accuracy());
      case TRIAL_STOP_DECIDED ->
          "stops trial %s (%s): %s"
              .formatted(
                  event.getTrialStopDecided().getTrialId(),
                  event.getTrialStopDecided().getRule(),
                  event.getTrialStopDecided().getReason());
      case BISECTION_STEPPED -> stepped(event.getBisectionStepped());
      default -> words(event.getEventCase());
    };
  }

  static String of(TrialEvent event) {
    return switch (event.getEventCase()) {
      case TRIAL_PLANNED ->
          "planned: %s, seed %d, %d stages, priority %d"
              .formatted(
                  cell(event.getTrialPlanned().getCell()),
                  event.getTrialPlanned().getSeed(),
                  event.getTrialPlanned().getStagesCount(),
                  event.getTrialPlanned().getPriority());
      case TRIAL_STAGE_SUCCEEDED -> "learned that a stage of its walk is done";
      case TRIAL_SUCCEEDED -> "succeeded: its last stage is done";
      case TRIAL_FAILED -> "failed: " + of(event.getTrialFailed().getCause());
      case TRIAL_CANCELLED -> cancelled(event.getTrialCancelled().getReason());
      case TRIAL_AWAITS_PROMOTION ->
          "came to the end of rung %d, epoch %d, and waits until its cell is promoted"
              .formatted(
                  event.getTrialAwaitsPromotion().getRung(),
                  event.getTrialAwaitsPromotion().getEpoch());
      case TRIAL_PROMOTED ->
          "promoted to rung %d: trains on up to epoch %d"
              .formatted(event.getTrialPromoted().getRung(), event.getTrialPromoted().getEpochs());
      case TRIAL_DELETED -> "deleted with its sweep";
      case TRIAL_STOPPED ->
          "stopped after epoch %d (%s): %s"
              .formatted(
                  event.getTrialStopped().getEpoch(),
                  event.getTrialStopped().getRule(),
                  event.getTrialStopped().getReason());
      default -> words(event.getEventCase());
    };
  }

  static String of(StageEvent event) {
    return switch (event.getEventCase()) {
      case STAGE_REQUESTED -> "requested for the first time, or again after it had ended";
      case STAGE_CLAIMED -> "claimed by trial " + event.getStageClaimed().getTrialId();
      case STAGE_RELEASED ->
          "no longer wanted by trial %s: %s"
              .formatted(
                  event.getStageReleased().getTrialId(), event.getStageReleased().getReason());
      case STAGE_INPUT_ARRIVED -> "got an input that it waits for";
      case STAGE_ASSIGNED ->
          "given to worker %s, generation %d"
              .formatted(
                  event.getStageAssigned().getWorkerId(), event.getStageAssigned().getGeneration());
      case STAGE_STARTED ->
          "started on %s%s"
              .formatted(
                  event.getStageStarted().getHost(),
                  event.getStageStarted().getResumedFromStep() > 0
                      ? ", from step " + event.getStageStarted().getResumedFromStep()
                      : "");
      case CHECKPOINT_SAVED -> "saved a checkpoint at step " + event.getCheckpointSaved().getStep();
      case EPOCH_EVALUATED ->
          String.format(
              Locale.ROOT,
              "epoch %d: top-1 %.4f",
              event.getEpochEvaluated().getEpoch(),
              event.getEpochEvaluated().getTop1Accuracy());
      case STAGE_SUCCEEDED ->
          String.format(
              Locale.ROOT,
              "succeeded after %.1f s on its worker",
              event.getStageSucceeded().getWallSeconds());
      case ATTEMPT_ENDED -> ended(event.getAttemptEnded());
      case STAGE_FAILED ->
          "failed for good after %d attempts that count: %s"
              .formatted(
                  event.getStageFailed().getAttempts(), of(event.getStageFailed().getCause()));
      case STAGE_CANCELLED -> cancelled(event.getStageCancelled().getReason());
      case STALE_REPORT_REJECTED ->
          "refused a late %s of generation %d from %s; it is at generation %d"
              .formatted(
                  event.getStaleReportRejected().getReportType(),
                  event.getStaleReportRejected().getGeneration(),
                  event.getStaleReportRejected().getWorkerId(),
                  event.getStaleReportRejected().getCurrentGeneration());
      case STAGE_HELD -> "held: " + event.getStageHeld().getReason();
      case STAGE_FORGOTTEN -> "forgotten: all sweeps that claimed it are deleted";
      case STAGE_RELEASED_FROM_HOLD -> "no longer held";
      default -> words(event.getEventCase());
    };
  }

  private static String cancelled(String reason) {
    return reason.isEmpty() ? "cancelled" : "cancelled: " + reason;
  }

  private static String stepped(BisectionStepped step) {
    String next =
        step.getNextKeepRatio() > 0
            ? "tries %s next".formatted(step.getNextKeepRatio())
            : step.getSmallestKeepRatio() > 0
                ? "done: %s is the smallest within".formatted(step.getSmallestKeepRatio())
                : "done: none is within";
    return String.format(
        Locale.ROOT,
        "search %d: keep ratio %s %s; %s",
        step.getLine(),
        step.getKeepRatio(),
        Double.isNaN(step.getLoss())
            ? "has no result, which counts as too much lost"
            : String.format(
                Locale.ROOT,
                "loses %.4f, which is %s",
                step.getLoss(),
                step.getWithin() ? "within" : "too much"),
        next);
  }

  private static String ended(AttemptEnded ended) {
    Instant retryAt = SharedWire.instant(ended.getRetryAt());
    String again =
        ended.hasRetryAt() && retryAt.isAfter(Instant.EPOCH)
            ? "; tries again from " + retryAt.truncatedTo(ChronoUnit.SECONDS)
            : "";
    return "attempt %d on %s ended (%s), which %s as an attempt%s"
        .formatted(
            ended.getGeneration(),
            ended.getWorkerId(),
            of(ended.getCause()),
            ended.getCounted() ? "counts" : "does not count",
            again);
  }

  static String of(FailureCause cause) {
    String category = cause.getCategory().name().substring(CATEGORY_PREFIX.length());
    return "%s %s%s"
        .formatted(
            category.toLowerCase(Locale.ROOT),
            cause.getCode(),
            cause.getMessage().isEmpty() ? "" : ": " + cause.getMessage());
  }

  private static String cell(Cell cell) {
    return String.format(
        Locale.ROOT,
        "%s%s at %s %s",
        cell.getMethod(),
        cell.getRedistribution().equals("none") || cell.getRedistribution().isEmpty()
            ? ""
            : " with " + cell.getRedistribution(),
        cell.getTargetKind(),
        cell.getKeepRatio());
  }

  private static String words(Enum<?> event) {
    return event.name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
