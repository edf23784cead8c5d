package dev.espalier.sweep.lifecycle;

import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The life of a trial: planned, stage after stage succeeded, perhaps paused and resumed on the way,
 * or waiting on a rung until its cell is promoted; then succeeded, failed, cancelled or stopped.
 */
public final class TrialDecider implements Decider<TrialState, TrialCommand, TrialEvent> {

  @Override
  public TrialState initial() {
    return new TrialState.Absent();
  }

  @Override
  public List<TrialEvent> decide(TrialState state, TrialCommand command, Instant now) {
    if (command instanceof TrialCommand.Plan plan) {
      return state instanceof TrialState.Absent ? List.of(plan.planned()) : List.of();
    }
    if (command instanceof TrialCommand.Delete) {
      return state instanceof TrialState.Ended ? List.of(new TrialEvent.Deleted()) : List.of();
    }
    if (!(state instanceof TrialState.Running running)) {
      // Ended trials hear late news of stages that others share; an absent one was never planned.
      return List.of();
    }
    if (command instanceof TrialCommand.StageSucceeded success) {
      return stageSucceeded(running, success);
    }
    if (command instanceof TrialCommand.StageFailed failure) {
      return walks(running, failure.stageId())
          ? List.of(new TrialEvent.Failed(failure.stageId(), failure.cause()))
          : List.of();
    }
    if (command instanceof TrialCommand.Pause) {
      return running.paused() ? List.of() : List.of(new TrialEvent.Paused());
    }
    if (command instanceof TrialCommand.Resume) {
      return running.paused() ? List.of(new TrialEvent.Resumed()) : List.of();
    }
    if (command instanceof TrialCommand.AwaitPromotion await) {
      return running.waits() || running.rung() > await.rung()
          ? List.of()
          : List.of(new TrialEvent.AwaitsPromotion(await.rung(), await.epoch()));
    }
    if (command instanceof TrialCommand.Promote promote) {
      return running.rung() >= promote.rung()
          ? List.of()
          : List.of(new TrialEvent.Promoted(promote.rung(), promote.epochs()));
    }
    if (command instanceof TrialCommand.Stop stop) {
      return List.of(new TrialEvent.Stopped(stop.rule(), stop.epoch(), stop.reason()));
    }
    return List.of(new TrialEvent.Cancelled(((TrialCommand.Cancel) command).reason()));
  }

  private static List<TrialEvent> stageSucceeded(
      TrialState.Running running, TrialCommand.StageSucceeded success) {
    if (!walks(running, success.stageId()) || running.succeeded().contains(success.stageId())) {
      return List.of();
    }
    TrialEvent step = new TrialEvent.StageSucceeded(success.stageId());
    List<PlannedStage> stages = running.planned().stages();
    boolean last = stages.get(stages.size() - 1).stageId().equals(success.stageId());
    return last
        ? List.of(step, new TrialEvent.Succeeded(success.measurements(), success.outputs()))
        : List.of(step);
  }

  private static boolean walks(TrialState.Running running, String stageId) {
    return running.planned().stages().stream().anyMatch(stage -> stage.stageId().equals(stageId));
  }

  @Override
  public TrialState evolve(TrialState state, TrialEvent event) {
    if (event instanceof TrialEvent.Planned planned) {
      return new TrialState.Running(planned, Set.of(), false, false, 0);
    }
    if (event instanceof TrialEvent.Deleted) {
      return new TrialState.Deleted();
    }
    TrialState.Running running = (TrialState.Running) state;
    if (event instanceof TrialEvent.StageSucceeded success) {
      Set<String> succeeded = new HashSet<>(running.succeeded());
      succeeded.add(success.stageId());
      return new TrialState.Running(
          running.planned(), succeeded, running.paused(), running.waits(), running.rung());
    }
    if (event instanceof TrialEvent.Paused) {
      return running.withPaused(true);
    }
    if (event instanceof TrialEvent.Resumed) {
      return running.withPaused(false);
    }
    if (event instanceof TrialEvent.AwaitsPromotion) {
      return new TrialState.Running(
          running.planned(), running.succeeded(), running.paused(), true, running.rung());
    }
    if (event instanceof TrialEvent.Promoted promoted) {
      return new TrialState.Running(
          running.planned(), running.succeeded(), running.paused(), false, promoted.rung());
    }
    if (event instanceof TrialEvent.Stopped) {
      return new TrialState.Ended(running.planned(), TrialOutcome.STOPPED, null);
    }
    if (event instanceof TrialEvent.Succeeded) {
      return new TrialState.Ended(running.planned(), TrialOutcome.SUCCEEDED, null);
    }
    if (event instanceof TrialEvent.Failed failed) {
      return new TrialState.Ended(running.planned(), TrialOutcome.FAILED, failed.cause());
    }
    return new TrialState.Ended(running.planned(), TrialOutcome.CANCELLED, null);
  }
}
