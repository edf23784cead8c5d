package dev.espalier.scheduler.wire;

import dev.espalier.architecture.json.Json;
import dev.espalier.schemas.stage.v1.StageInput;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.schemas.trial.v1.TrialAwaitsPromotion;
import dev.espalier.schemas.trial.v1.TrialCancelled;
import dev.espalier.schemas.trial.v1.TrialDeleted;
import dev.espalier.schemas.trial.v1.TrialFailed;
import dev.espalier.schemas.trial.v1.TrialPaused;
import dev.espalier.schemas.trial.v1.TrialPlanned;
import dev.espalier.schemas.trial.v1.TrialPromoted;
import dev.espalier.schemas.trial.v1.TrialResumed;
import dev.espalier.schemas.trial.v1.TrialStageSucceeded;
import dev.espalier.schemas.trial.v1.TrialStopped;
import dev.espalier.schemas.trial.v1.TrialSucceeded;
import dev.espalier.sweep.lifecycle.PlannedStage;
import dev.espalier.sweep.lifecycle.TrialEvent;
import dev.espalier.sweep.strategy.CellRef;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Events of a trial, between the wire and our records. */
public final class TrialWire {

  private TrialWire() {}

  /** {@code planned} is the message behind a {@link TrialEvent.Planned}, which tells less. */
  public static dev.espalier.schemas.trial.v1.TrialEvent.Builder write(
      TrialEvent event, TrialPlanned planned) {
    dev.espalier.schemas.trial.v1.TrialEvent.Builder message =
        dev.espalier.schemas.trial.v1.TrialEvent.newBuilder();
    if (event instanceof TrialEvent.Planned) {
      return message.setTrialPlanned(planned);
    }
    if (event instanceof TrialEvent.StageSucceeded step) {
      return message.setTrialStageSucceeded(
          TrialStageSucceeded.newBuilder().setStageId(step.stageId()));
    }
    if (event instanceof TrialEvent.Succeeded succeeded) {
      return message.setTrialSucceeded(
          TrialSucceeded.newBuilder()
              .addAllMeasurements(SharedWire.measurementsToWire(succeeded.measurements()))
              .addAllOutputs(SharedWire.outputsToWire(succeeded.outputs())));
    }
    if (event instanceof TrialEvent.Failed failed) {
      return message.setTrialFailed(
          TrialFailed.newBuilder()
              .setStageId(failed.stageId())
              .setCause(SharedWire.cause(failed.cause())));
    }
    if (event instanceof TrialEvent.Paused) {
      return message.setTrialPaused(TrialPaused.getDefaultInstance());
    }
    if (event instanceof TrialEvent.Resumed) {
      return message.setTrialResumed(TrialResumed.getDefaultInstance());
    }
    if (event instanceof TrialEvent.AwaitsPromotion awaits) {
      return message.setTrialAwaitsPromotion(
          TrialAwaitsPromotion.newBuilder().setRung(awaits.rung()).setEpoch(awaits.epoch()));
    }
    if (event instanceof TrialEvent.Promoted promoted) {
      return message.setTrialPromoted(
          TrialPromoted.newBuilder().setRung(promoted.rung()).setEpochs(promoted.epochs()));
    }
    if (event instanceof TrialEvent.Deleted) {
      return message.setTrialDeleted(TrialDeleted.getDefaultInstance());
    }
    if (event instanceof TrialEvent.Stopped stopped) {
      return message.setTrialStopped(
          TrialStopped.newBuilder()
              .setRule(stopped.rule())
              .setEpoch(stopped.epoch())
              .setReason(stopped.reason()));
    }
    return message.setTrialCancelled(
        TrialCancelled.newBuilder().setReason(((TrialEvent.Cancelled) event).reason()));
  }

  /** Empty for an event that this version does not know. */
  public static Optional<TrialEvent> read(dev.espalier.schemas.trial.v1.TrialEvent message) {
    return switch (message.getEventCase()) {
      case TRIAL_PLANNED -> Optional.of(planned(message.getTrialPlanned()));
      case TRIAL_STAGE_SUCCEEDED ->
          Optional.of(new TrialEvent.StageSucceeded(message.getTrialStageSucceeded().getStageId()));
      case TRIAL_SUCCEEDED ->
          Optional.of(
              new TrialEvent.Succeeded(
                  SharedWire.measurements(message.getTrialSucceeded().getMeasurementsList()),
                  SharedWire.outputs(message.getTrialSucceeded().getOutputsList())));
      case TRIAL_FAILED ->
          Optional.of(
              new TrialEvent.Failed(
                  message.getTrialFailed().getStageId(),
                  SharedWire.cause(message.getTrialFailed().getCause())));
      case TRIAL_CANCELLED ->
          Optional.of(new TrialEvent.Cancelled(message.getTrialCancelled().getReason()));
      case TRIAL_PAUSED -> Optional.of(new TrialEvent.Paused());
      case TRIAL_RESUMED -> Optional.of(new TrialEvent.Resumed());
      case TRIAL_AWAITS_PROMOTION ->
          Optional.of(
              new TrialEvent.AwaitsPromotion(
                  message.getTrialAwaitsPromotion().getRung(),
                  message.getTrialAwaitsPromotion().getEpoch()));
      case TRIAL_PROMOTED ->
          Optional.of(
              new TrialEvent.Promoted(
                  message.getTrialPromoted().getRung(), message.getTrialPromoted().getEpochs()));
      case TRIAL_STOPPED ->
          Optional.of(
              new TrialEvent.Stopped(
                  message.getTrialStopped().getRule(),
                  message.getTrialStopped().getEpoch(),
                  message.getTrialStopped().getReason()));
      case TRIAL_DELETED -> Optional.of(new TrialEvent.Deleted());
      case EVENT_NOT_SET -> Optional.empty();
    };
  }

  public static TrialEvent.Planned planned(TrialPlanned message) {
    return new TrialEvent.Planned(
        message.getSweepId(),
        new CellRef(
            message.getCellId(),
            message.getCell().getMethod(),
            message.getCell().getTargetKind()
                + " "
                + Json.canonical(message.getCell().getKeepRatio())),
        message.getPriority(),
        message.getStagesList().stream()
            .map(stage -> new PlannedStage(stage.getStageId(), inputs(stage.getSpec())))
            .toList());
  }

  public static Set<String> inputs(StageSpec spec) {
    return spec.getInputsList().stream()
        .map(StageInput::getStageId)
        .collect(Collectors.toUnmodifiableSet());
  }
}
