package dev.espalier.scheduler.wire;

import static dev.espalier.scheduler.wire.SharedWire.instant;
import static dev.espalier.scheduler.wire.SharedWire.timestamp;

import dev.espalier.schemas.stage.v1.AttemptEnded;
import dev.espalier.schemas.stage.v1.CheckpointSaved;
import dev.espalier.schemas.stage.v1.EpochEvaluated;
import dev.espalier.schemas.stage.v1.StageAssigned;
import dev.espalier.schemas.stage.v1.StageCancelled;
import dev.espalier.schemas.stage.v1.StageClaimed;
import dev.espalier.schemas.stage.v1.StageFailed;
import dev.espalier.schemas.stage.v1.StageForgotten;
import dev.espalier.schemas.stage.v1.StageHeld;
import dev.espalier.schemas.stage.v1.StageInputArrived;
import dev.espalier.schemas.stage.v1.StagePreempted;
import dev.espalier.schemas.stage.v1.StageReleased;
import dev.espalier.schemas.stage.v1.StageReleasedFromHold;
import dev.espalier.schemas.stage.v1.StageReport;
import dev.espalier.schemas.stage.v1.StageRequested;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.schemas.stage.v1.StageStarted;
import dev.espalier.schemas.stage.v1.StageSucceeded;
import dev.espalier.schemas.stage.v1.StaleReportRejected;
import dev.espalier.sweep.lifecycle.Holder;
import dev.espalier.sweep.lifecycle.StageCommand.Report;
import dev.espalier.sweep.lifecycle.StageEvent;
import java.util.Optional;

/** Events and reports of a stage, between the wire and our records. */
public final class StageWire {

  private StageWire() {}

  /** {@code spec} is what a {@link StageEvent.Requested} stands for; it tells less. */
  public static dev.espalier.schemas.stage.v1.StageEvent.Builder write(
      StageEvent event, StageSpec spec) {
    dev.espalier.schemas.stage.v1.StageEvent.Builder message =
        dev.espalier.schemas.stage.v1.StageEvent.newBuilder();
    if (event instanceof StageEvent.Requested) {
      return message.setStageRequested(StageRequested.newBuilder().setSpec(spec));
    }
    if (event instanceof StageEvent.Claimed claimed) {
      return message.setStageClaimed(
          StageClaimed.newBuilder()
              .setTrialId(claimed.trialId())
              .setSweepId(claimed.sweepId())
              .setPriority(claimed.priority())
              .setRemainingStages(claimed.remaining()));
    }
    if (event instanceof StageEvent.Released released) {
      return message.setStageReleased(
          StageReleased.newBuilder().setTrialId(released.trialId()).setReason(released.reason()));
    }
    if (event instanceof StageEvent.InputArrived arrived) {
      return message.setStageInputArrived(
          StageInputArrived.newBuilder()
              .setStageId(arrived.stageId())
              .addAllOutputs(SharedWire.outputsToWire(arrived.outputs())));
    }
    if (event instanceof StageEvent.Assigned assigned) {
      return message.setStageAssigned(
          StageAssigned.newBuilder()
              .setWorkerId(assigned.workerId())
              .setLeaseId(assigned.leaseId())
              .setGeneration(assigned.generation())
              .setDevice(assigned.device()));
    }
    if (event instanceof StageEvent.Started started) {
      return message.setStageStarted(
          StageStarted.newBuilder()
              .setDevice(started.device())
              .setHost(started.host())
              .setResumedFromStep(started.resumedFromStep()));
    }
    if (event instanceof StageEvent.CheckpointSaved saved) {
      return message.setCheckpointSaved(
          CheckpointSaved.newBuilder()
              .setCheckpoint(SharedWire.artifact(saved.checkpoint()))
              .setStep(saved.step()));
    }
    if (event instanceof StageEvent.EpochEvaluated evaluated) {
      return message.setEpochEvaluated(
          EpochEvaluated.newBuilder()
              .setEpoch(evaluated.epoch())
              .setStep(evaluated.step())
              .setTop1Accuracy(evaluated.top1Accuracy())
              .setTop5Accuracy(evaluated.top5Accuracy())
              .setValidationLoss(evaluated.validationLoss())
              .setTrainLoss(evaluated.trainLoss()));
    }
    if (event instanceof StageEvent.Succeeded succeeded) {
      return message.setStageSucceeded(
          StageSucceeded.newBuilder()
              .addAllOutputs(SharedWire.outputsToWire(succeeded.outputs()))
              .addAllMeasurements(SharedWire.measurementsToWire(succeeded.measurements()))
              .setWallSeconds(succeeded.wallSeconds()));
    }
    if (event instanceof StageEvent.AttemptEnded ended) {
      AttemptEnded.Builder wire =
          AttemptEnded.newBuilder()
              .setGeneration(ended.generation())
              .setWorkerId(ended.workerId())
              .setCause(SharedWire.cause(ended.cause()))
              .setCounted(ended.counted());
      if (ended.retryAt() != null) {
        wire.setRetryAt(timestamp(ended.retryAt()));
      }
      return message.setAttemptEnded(wire);
    }
    if (event instanceof StageEvent.Failed failed) {
      return message.setStageFailed(
          StageFailed.newBuilder()
              .setCause(SharedWire.cause(failed.cause()))
              .setAttempts(failed.attempts()));
    }
    if (event instanceof StageEvent.Cancelled cancelled) {
      return message.setStageCancelled(StageCancelled.newBuilder().setReason(cancelled.reason()));
    }
    if (event instanceof StageEvent.StaleReportRejected stale) {
      return message.setStaleReportRejected(
          StaleReportRejected.newBuilder()
              .setReportEventId(stale.reportEventId())
              .setWorkerId(stale.workerId())
              .setGeneration(stale.generation())
              .setCurrentGeneration(stale.currentGeneration())
              .setReportType(stale.reportType()));
    }
    if (event instanceof StageEvent.Preempted preempted) {
      return message.setStagePreempted(
          StagePreempted.newBuilder()
              .setGeneration(preempted.generation())
              .setReason(preempted.reason()));
    }
    if (event instanceof StageEvent.Forgotten forgotten) {
      return message.setStageForgotten(
          StageForgotten.newBuilder().setGeneration(forgotten.generation()));
    }
    if (event instanceof StageEvent.Held held) {
      return message.setStageHeld(
          StageHeld.newBuilder()
              .setSweepId(sweepId(held.holder()))
              .setTrialId(trialId(held.holder()))
              .setReason(held.reason()));
    }
    Holder holder = ((StageEvent.ReleasedFromHold) event).holder();
    return message.setStageReleasedFromHold(
        StageReleasedFromHold.newBuilder().setSweepId(sweepId(holder)).setTrialId(trialId(holder)));
  }

  /** Empty for an event that this version does not know. */
  public static Optional<StageEvent> read(dev.espalier.schemas.stage.v1.StageEvent message) {
    return switch (message.getEventCase()) {
      case STAGE_REQUESTED ->
          Optional.of(
              new StageEvent.Requested(TrialWire.inputs(message.getStageRequested().getSpec())));
      case STAGE_CLAIMED ->
          Optional.of(
              new StageEvent.Claimed(
                  message.getStageClaimed().getTrialId(),
                  message.getStageClaimed().getSweepId(),
                  message.getStageClaimed().getPriority(),
                  message.getStageClaimed().getRemainingStages()));
      case STAGE_RELEASED ->
          Optional.of(
              new StageEvent.Released(
                  message.getStageReleased().getTrialId(), message.getStageReleased().getReason()));
      case STAGE_INPUT_ARRIVED ->
          Optional.of(
              new StageEvent.InputArrived(
                  message.getStageInputArrived().getStageId(),
                  SharedWire.outputs(message.getStageInputArrived().getOutputsList())));
      case STAGE_ASSIGNED ->
          Optional.of(
              new StageEvent.Assigned(
                  message.getStageAssigned().getWorkerId(),
                  message.getStageAssigned().getLeaseId(),
                  message.getStageAssigned().getGeneration(),
                  message.getStageAssigned().getDevice()));
      case STAGE_STARTED -> Optional.of(started(message.getStageStarted()));
      case CHECKPOINT_SAVED -> Optional.of(saved(message.getCheckpointSaved()));
      case EPOCH_EVALUATED -> Optional.of(evaluated(message.getEpochEvaluated()));
      case STAGE_SUCCEEDED -> Optional.of(succeeded(message.getStageSucceeded()));
      case ATTEMPT_ENDED -> {
        AttemptEnded ended = message.getAttemptEnded();
        yield Optional.of(
            new StageEvent.AttemptEnded(
                ended.getGeneration(),
                ended.getWorkerId(),
                SharedWire.cause(ended.getCause()),
                ended.hasRetryAt() ? instant(ended.getRetryAt()) : null,
                ended.getCounted()));
      }
      case STAGE_FAILED ->
          Optional.of(
              new StageEvent.Failed(
                  SharedWire.cause(message.getStageFailed().getCause()),
                  message.getStageFailed().getAttempts()));
      case STAGE_CANCELLED ->
          Optional.of(new StageEvent.Cancelled(message.getStageCancelled().getReason()));
      case STALE_REPORT_REJECTED ->
          Optional.of(
              new StageEvent.StaleReportRejected(
                  message.getStaleReportRejected().getReportEventId(),
                  message.getStaleReportRejected().getWorkerId(),
                  message.getStaleReportRejected().getGeneration(),
                  message.getStaleReportRejected().getCurrentGeneration(),
                  message.getStaleReportRejected().getReportType()));
      case STAGE_PREEMPTED ->
          Optional.of(
              new StageEvent.Preempted(
                  message.getStagePreempted().getGeneration(),
                  message.getStagePreempted().getReason()));
      case STAGE_FORGOTTEN ->
          Optional.of(new StageEvent.Forgotten(message.getStageForgotten().getGeneration()));
      case STAGE_HELD ->
          Optional.of(
              new StageEvent.Held(
                  holder(message.getStageHeld().getSweepId(), message.getStageHeld().getTrialId()),
                  message.getStageHeld().getReason()));
      case STAGE_RELEASED_FROM_HOLD ->
          Optional.of(
              new StageEvent.ReleasedFromHold(
                  holder(
                      message.getStageReleasedFromHold().getSweepId(),
                      message.getStageReleasedFromHold().getTrialId())));
      case EVENT_NOT_SET -> Optional.empty();
    };
  }

  /** Empty for progress, which is no fact, and for a report that this version does not know. */
  public static Optional<Report> report(StageReport message) {
    return switch (message.getReportCase()) {
      case STAGE_STARTED -> Optional.of(new Report.Started(started(message.getStageStarted())));
      case CHECKPOINT_SAVED ->
          Optional.of(new Report.CheckpointSaved(saved(message.getCheckpointSaved())));
      case EPOCH_EVALUATED ->
          Optional.of(new Report.EpochEvaluated(evaluated(message.getEpochEvaluated())));
      case STAGE_SUCCEEDED ->
          Optional.of(new Report.Succeeded(succeeded(message.getStageSucceeded())));
      case ATTEMPT_FAILED ->
          Optional.of(new Report.Failed(SharedWire.cause(message.getAttemptFailed().getCause())));
      case STAGE_INTERRUPTED ->
          Optional.of(new Report.Interrupted(message.getStageInterrupted().getReason()));
      case STAGE_PROGRESSED, REPORT_NOT_SET -> Optional.empty();
    };
  }

  private static Holder holder(String sweepId, String trialId) {
    return trialId.isEmpty() ? new Holder.OfSweep(sweepId) : new Holder.OfTrial(trialId);
  }

  private static String sweepId(Holder holder) {
    return holder instanceof Holder.OfSweep sweep ? sweep.sweepId() : "";
  }

  private static String trialId(Holder holder) {
    return holder instanceof Holder.OfTrial trial ? trial.trialId() : "";
  }

  private static StageEvent.Started started(StageStarted message) {
    return new StageEvent.Started(
        message.getDevice(), message.getHost(), message.getResumedFromStep());
  }

  private static StageEvent.CheckpointSaved saved(CheckpointSaved message) {
    return new StageEvent.CheckpointSaved(
        SharedWire.artifact(message.getCheckpoint()), message.getStep());
  }

  private static StageEvent.EpochEvaluated evaluated(EpochEvaluated message) {
    return new StageEvent.EpochEvaluated(
        message.getEpoch(),
        message.getStep(),
        message.getTop1Accuracy(),
        message.getTop5Accuracy(),
        message.getValidationLoss(),
        message.getTrainLoss());
  }

  private static StageEvent.Succeeded succeeded(StageSucceeded message) {
    return new StageEvent.Succeeded(
        SharedWire.outputs(message.getOutputsList()),
        SharedWire.measurements(message.getMeasurementsList()),
        message.getWallSeconds());
  }
}
