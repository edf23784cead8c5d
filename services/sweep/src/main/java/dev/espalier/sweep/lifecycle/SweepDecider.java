package dev.espalier.sweep.lifecycle;

import dev.espalier.sweep.lifecycle.SweepState.Phase;
import java.time.Instant;
import java.util.List;

/** The life of a sweep: accepted, planned in chunks, its trials ended one by one, completed. */
public final class SweepDecider implements Decider<SweepState, SweepCommand, SweepEvent> {

  @Override
  public SweepState initial() {
    return SweepState.ABSENT;
  }

  @Override
  public List<SweepEvent> decide(SweepState state, SweepCommand command, Instant now) {
    if (command instanceof SweepCommand.Accept accept) {
      return state.phase() == Phase.ABSENT ? List.of(accept.accepted()) : List.of();
    }
    if (state.phase() == Phase.ABSENT) {
      throw new IllegalStateException("expected an accepted sweep but found none for " + command);
    }
    if (command instanceof SweepCommand.PlanTrials plan) {
      boolean next = state.phase().open() && !state.planned() && plan.chunk() == state.chunks();
      return next
          ? List.of(new SweepEvent.TrialsPlanned(plan.chunk(), plan.last(), plan.trialIds()))
          : List.of();
    }
    if (command instanceof SweepCommand.Pause) {
      boolean runs = state.phase() == Phase.ACCEPTED || state.phase() == Phase.RUNNING;
      return runs ? List.of(new SweepEvent.Paused()) : List.of();
    }
    if (command instanceof SweepCommand.Resume) {
      return state.phase() == Phase.PAUSED ? List.of(new SweepEvent.Resumed()) : List.of();
    }
    if (command instanceof SweepCommand.ReachCap cap) {
      boolean stops = state.phase().open() && state.phase() != Phase.CAPPED;
      return stops ? List.of(cap.reached()) : List.of();
    }
    if (command instanceof SweepCommand.Cancel cancel) {
      return state.phase().open() ? List.of(new SweepEvent.Cancelled(cancel.reason())) : List.of();
    }
    return endTrial(state, (SweepCommand.EndTrial) command);
  }

  private List<SweepEvent> endTrial(SweepState state, SweepCommand.EndTrial end) {
    if (state.ended().contains(end.trialId())) {
      return List.of();
    }
    SweepEvent ended = new SweepEvent.TrialEnded(end.trialId(), end.outcome(), end.cause());
    SweepState after = evolve(state, ended);
    boolean complete =
        after.phase().open()
            && after.planned()
            && after.ended().size() == after.accepted().trials();
    return complete
        ? List.of(
            ended, new SweepEvent.Completed(after.succeeded(), after.failed(), after.cancelled()))
        : List.of(ended);
  }

  @Override
  public SweepState evolve(SweepState state, SweepEvent event) {
    if (event instanceof SweepEvent.Accepted accepted) {
      return new SweepState(Phase.ACCEPTED, accepted, 0, false, GrowingSet.empty(), 0, 0, 0);
    }
    if (event instanceof SweepEvent.TrialsPlanned planned) {
      return new SweepState(
          state.phase() == Phase.ACCEPTED ? Phase.RUNNING : state.phase(),
          state.accepted(),
          planned.chunk() + 1,
          planned.last(),
          state.ended(),
          state.succeeded(),
          state.failed(),
          state.cancelled());
    }
    if (event instanceof SweepEvent.Paused) {
      return state.in(Phase.PAUSED);
    }
    if (event instanceof SweepEvent.Resumed) {
      return state.in(state.chunks() == 0 ? Phase.ACCEPTED : Phase.RUNNING);
    }
    if (event instanceof SweepEvent.CapReached) {
      return state.in(Phase.CAPPED);
    }
    if (event instanceof SweepEvent.Cancelled) {
      return state.in(Phase.CANCELLED);
    }
    if (event instanceof SweepEvent.Completed) {
      return state.in(Phase.COMPLETED);
    }
    SweepEvent.TrialEnded ended = (SweepEvent.TrialEnded) event;
    return new SweepState(
        state.phase(),
        state.accepted(),
        state.chunks(),
        state.planned(),
        state.ended().with(ended.trialId()),
        state.succeeded() + (ended.outcome() == TrialOutcome.SUCCEEDED ? 1 : 0),
        state.failed() + (ended.outcome() == TrialOutcome.FAILED ? 1 : 0),
        state.cancelled() + (ended.outcome() == TrialOutcome.CANCELLED ? 1 : 0));
  }
}
