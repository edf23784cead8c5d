package dev.espalier.scheduler.wire;

import dev.espalier.schemas.sweep.v1.SweepAccepted;
import dev.espalier.schemas.sweep.v1.SweepCancelled;
import dev.espalier.schemas.sweep.v1.SweepCapReached;
import dev.espalier.schemas.sweep.v1.SweepCompleted;
import dev.espalier.schemas.sweep.v1.SweepDeleted;
import dev.espalier.schemas.sweep.v1.SweepPaused;
import dev.espalier.schemas.sweep.v1.SweepResumed;
import dev.espalier.schemas.sweep.v1.TrialEnded;
import dev.espalier.schemas.sweep.v1.TrialsPlanned;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.lifecycle.TrialOutcome;
import dev.espalier.sweep.strategy.CellRef;
import java.util.Optional;

/** Events of a sweep, between the wire and our records. */
public final class SweepWire {

  private static final String OUTCOME_PREFIX = "TRIAL_OUTCOME_";
  private static final String SCOPE_PREFIX = "CAP_SCOPE_";

  private SweepWire() {}

  public static dev.espalier.schemas.sweep.v1.SweepEvent.Builder write(SweepEvent event) {
    dev.espalier.schemas.sweep.v1.SweepEvent.Builder message =
        dev.espalier.schemas.sweep.v1.SweepEvent.newBuilder();
    if (event instanceof SweepEvent.Accepted accepted) {
      return message.setSweepAccepted(
          SweepAccepted.newBuilder()
              .setCanonicalSpecJson(accepted.canonicalSpecJson())
              .setRun(accepted.run())
              .setCells(accepted.cells())
              .setTrials(accepted.trials())
              .setModelSha256(accepted.modelSha256())
              .setDatasetSha256(accepted.datasetSha256())
              .setModelArchitectureJson(accepted.modelArchitectureJson()));
    }
    if (event instanceof SweepEvent.TrialsPlanned planned) {
      return message.setTrialsPlanned(
          TrialsPlanned.newBuilder()
              .setChunk(planned.chunk())
              .setLast(planned.last())
              .addAllTrialIds(planned.trialIds()));
    }
    if (event instanceof SweepEvent.Paused) {
      return message.setSweepPaused(SweepPaused.getDefaultInstance());
    }
    if (event instanceof SweepEvent.Resumed) {
      return message.setSweepResumed(SweepResumed.getDefaultInstance());
    }
    if (event instanceof SweepEvent.CapReached reached) {
      return message.setSweepCapReached(
          SweepCapReached.newBuilder()
              .setScope(
                  dev.espalier.schemas.sweep.v1.CapScope.valueOf(
                      SCOPE_PREFIX + reached.scope().name()))
              .setCapDeviceHours(reached.cap())
              .setUsedDeviceHours(reached.used()));
    }
    if (event instanceof SweepEvent.Cancelled cancelled) {
      return message.setSweepCancelled(SweepCancelled.newBuilder().setReason(cancelled.reason()));
    }
    if (event instanceof SweepEvent.Deleted) {
      return message.setSweepDeleted(SweepDeleted.getDefaultInstance());
    }
    if (event instanceof SweepEvent.TrialEnded ended) {
      TrialEnded.Builder wire =
          TrialEnded.newBuilder()
              .setTrialId(ended.trialId())
              .setOutcome(
                  dev.espalier.schemas.sweep.v1.TrialOutcome.valueOf(
                      OUTCOME_PREFIX + ended.outcome().name()));
      if (ended.cause() != null) {
        wire.setCause(SharedWire.cause(ended.cause()));
      }
      if (!ended.cell().equals(CellRef.UNKNOWN)) {
        wire.setCell(StrategyWire.write(ended.cell()));
      }
      if (!Double.isNaN(ended.top1())) {
        wire.setTop1Accuracy(ended.top1());
      }
      if (!Double.isNaN(ended.baseTop1())) {
        wire.setBaseTop1Accuracy(ended.baseTop1());
      }
      return message.setTrialEnded(wire);
    }
    if (event instanceof SweepEvent.EpochReached reached) {
      return message.setTrialEpochReached(StrategyWire.write(reached));
    }
    if (event instanceof SweepEvent.CellPromoted promoted) {
      return message.setCellPromoted(StrategyWire.write(promoted.promotion()));
    }
    if (event instanceof SweepEvent.StopDecided decided) {
      return message.setTrialStopDecided(StrategyWire.write(decided.stop()));
    }
    if (event instanceof SweepEvent.BisectionStepped stepped) {
      return message.setBisectionStepped(StrategyWire.write(stepped.step()));
    }
    SweepEvent.Completed completed = (SweepEvent.Completed) event;
    return message.setSweepCompleted(
        SweepCompleted.newBuilder()
            .setSucceeded(completed.succeeded())
            .setFailed(completed.failed())
            .setCancelled(completed.cancelled())
            .setStopped(completed.stopped()));
  }

  /** Empty for an event that this version does not know. */
  public static Optional<SweepEvent> read(dev.espalier.schemas.sweep.v1.SweepEvent message) {
    return switch (message.getEventCase()) {
      case SWEEP_ACCEPTED -> {
        SweepAccepted accepted = message.getSweepAccepted();
        yield Optional.of(
            new SweepEvent.Accepted(
                accepted.getCanonicalSpecJson(),
                accepted.getRun(),
                accepted.getCells(),
                accepted.getTrials(),
                accepted.getModelSha256(),
                accepted.getDatasetSha256(),
                accepted.getModelArchitectureJson()));
      }
      case TRIALS_PLANNED ->
          Optional.of(
              new SweepEvent.TrialsPlanned(
                  message.getTrialsPlanned().getChunk(),
                  message.getTrialsPlanned().getLast(),
                  message.getTrialsPlanned().getTrialIdsList()));
      case SWEEP_PAUSED -> Optional.of(new SweepEvent.Paused());
      case SWEEP_RESUMED -> Optional.of(new SweepEvent.Resumed());
      case SWEEP_CAP_REACHED ->
          scope(message.getSweepCapReached().getScope())
              .map(
                  scope ->
                      new SweepEvent.CapReached(
                          scope,
                          message.getSweepCapReached().getCapDeviceHours(),
                          message.getSweepCapReached().getUsedDeviceHours()));
      case SWEEP_CANCELLED ->
          Optional.of(new SweepEvent.Cancelled(message.getSweepCancelled().getReason()));
      case SWEEP_DELETED -> Optional.of(new SweepEvent.Deleted());
      case TRIAL_ENDED ->
          outcome(message.getTrialEnded().getOutcome())
              .map(
                  outcome ->
                      new SweepEvent.TrialEnded(
                          message.getTrialEnded().getTrialId(),
                          outcome,
                          message.getTrialEnded().hasCause()
                              ? SharedWire.cause(message.getTrialEnded().getCause())
                              : null,
                          message.getTrialEnded().hasCell()
                              ? StrategyWire.read(message.getTrialEnded().getCell())
                              : CellRef.UNKNOWN,
                          message.getTrialEnded().hasTop1Accuracy()
                              ? message.getTrialEnded().getTop1Accuracy()
                              : Double.NaN,
                          message.getTrialEnded().hasBaseTop1Accuracy()
                              ? message.getTrialEnded().getBaseTop1Accuracy()
                              : Double.NaN));
      case SWEEP_COMPLETED ->
          Optional.of(
              new SweepEvent.Completed(
                  message.getSweepCompleted().getSucceeded(),
                  message.getSweepCompleted().getFailed(),
                  message.getSweepCompleted().getCancelled(),
                  message.getSweepCompleted().getStopped()));
      case TRIAL_EPOCH_REACHED -> Optional.of(StrategyWire.read(message.getTrialEpochReached()));
      case CELL_PROMOTED ->
          Optional.of(new SweepEvent.CellPromoted(StrategyWire.read(message.getCellPromoted())));
      case TRIAL_STOP_DECIDED ->
          Optional.of(new SweepEvent.StopDecided(StrategyWire.read(message.getTrialStopDecided())));
      case BISECTION_STEPPED ->
          Optional.of(
              new SweepEvent.BisectionStepped(StrategyWire.read(message.getBisectionStepped())));
      // A rejection has a stream of its own and is nobody's history.
      case SWEEP_REJECTED, EVENT_NOT_SET -> Optional.empty();
    };
  }

  private static Optional<SweepEvent.CapScope> scope(dev.espalier.schemas.sweep.v1.CapScope scope) {
    return switch (scope) {
      case CAP_SCOPE_SWEEP -> Optional.of(SweepEvent.CapScope.SWEEP);
      case CAP_SCOPE_TEAM -> Optional.of(SweepEvent.CapScope.TEAM);
      case CAP_SCOPE_UNSPECIFIED, UNRECOGNIZED -> Optional.empty();
    };
  }

  private static Optional<TrialOutcome> outcome(
      dev.espalier.schemas.sweep.v1.TrialOutcome outcome) {
    return switch (outcome) {
      case TRIAL_OUTCOME_SUCCEEDED -> Optional.of(TrialOutcome.SUCCEEDED);
      case TRIAL_OUTCOME_FAILED -> Optional.of(TrialOutcome.FAILED);
      case TRIAL_OUTCOME_CANCELLED -> Optional.of(TrialOutcome.CANCELLED);
      case TRIAL_OUTCOME_STOPPED -> Optional.of(TrialOutcome.STOPPED);
      case TRIAL_OUTCOME_UNSPECIFIED, UNRECOGNIZED -> Optional.empty();
    };
  }
}
