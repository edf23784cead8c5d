package dev.espalier.sweep.lifecycle;

import dev.espalier.sweep.lifecycle.SweepState.Phase;
import dev.espalier.sweep.strategy.Bisection;
import dev.espalier.sweep.strategy.CellRef;
import dev.espalier.sweep.strategy.Search;
import dev.espalier.sweep.strategy.Verdict;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

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
    if (command instanceof SweepCommand.Delete) {
      boolean over = state.phase() == Phase.COMPLETED || state.phase() == Phase.CANCELLED;
      return over ? List.of(new SweepEvent.Deleted()) : List.of();
    }
    if (state.phase() == Phase.DELETED) {
      return List.of(); // late news of its trials
    }
    if (command instanceof SweepCommand.ReachEpochs reach) {
      return reachEpochs(state, reach);
    }
    return endTrial(state, (SweepCommand.EndTrial) command);
  }

  private List<SweepEvent> endTrial(SweepState state, SweepCommand.EndTrial end) {
    if (state.ended().contains(end.trialId())) {
      return List.of();
    }
    List<SweepEvent> events = new ArrayList<>();
    events.add(
        new SweepEvent.TrialEnded(
            end.trialId(), end.outcome(), end.cause(), end.cell(), end.top1(), end.baseTop1()));
    SweepState after = evolve(state, events.get(0));
    if (!after.phase().open()) {
      return events;
    }
    Optional<Bisection.Step> step = after.search().step(end.trialId(), end.top1(), end.baseTop1());
    if (step.isPresent()) {
      events.add(new SweepEvent.BisectionStepped(step.get()));
      after = evolve(after, events.get(1));
    }
    after = climb(after, end.cell(), events);
    if (after.search().complete(after.planned(), after.ended().size(), after.accepted().trials())) {
      events.add(
          new SweepEvent.Completed(
              after.succeeded(), after.failed(), after.cancelled(), after.stopped()));
    }
    return events;
  }

  /** Entry and promotion go into one append, whose place in the stream is the order of arrival. */
  private List<SweepEvent> reachEpochs(SweepState state, SweepCommand.ReachEpochs reach) {
    List<SweepEvent> events = new ArrayList<>();
    SweepState now = state;
    for (Map.Entry<Integer, Double> point : reach.top1ByEpoch().entrySet()) {
      int epoch = point.getKey();
      if (!now.phase().open() || !now.search().asksFor(reach.trialId(), reach.cell(), epoch)) {
        continue;
      }
      SweepEvent.EpochReached reached =
          new SweepEvent.EpochReached(
              reach.trialId(), reach.cell(), epoch, point.getValue(), false);
      List<SweepEvent> verdicts = new ArrayList<>();
      now = climb(evolve(now, reached), reach.cell(), verdicts);
      Optional<Verdict> judged = now.search().judge(reach.trialId(), reach.cell(), epoch);
      if (judged.isPresent()) {
        SweepEvent stop = event(judged.get());
        verdicts.add(stop);
        now = climb(evolve(now, stop), reach.cell(), verdicts);
      }
      boolean waits = now.search().awaitsPromotion(reach.trialId(), reach.cell(), epoch);
      events.add(
          new SweepEvent.EpochReached(
              reach.trialId(), reach.cell(), epoch, point.getValue(), waits));
      events.addAll(verdicts);
    }
    return events;
  }

  /** Promotes and stops what the rungs of the cell's target allow now. */
  private SweepState climb(SweepState state, CellRef cell, List<SweepEvent> events) {
    SweepState now = state;
    for (Optional<Verdict> verdict = now.search().next(cell.target());
        verdict.isPresent();
        verdict = now.search().next(cell.target())) {
      SweepEvent event = event(verdict.get());
      events.add(event);
      now = evolve(now, event);
    }
    return now;
  }

  private static SweepEvent event(Verdict verdict) {
    return verdict instanceof Verdict.Promote promote
        ? new SweepEvent.CellPromoted(promote)
        : new SweepEvent.StopDecided((Verdict.Stop) verdict);
  }

  @Override
  public SweepState evolve(SweepState state, SweepEvent event) {
    if (event instanceof SweepEvent.Accepted accepted) {
      Search search = Search.of(accepted.canonicalSpecJson(), accepted.cells());
      return new SweepState(
          Phase.ACCEPTED, accepted, 0, false, GrowingSet.empty(), 0, 0, 0, 0, search);
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
          state.cancelled(),
          state.stopped(),
          state.search().planned(planned.chunk(), planned.trialIds()));
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
    if (event instanceof SweepEvent.Deleted) {
      return SweepState.DELETED;
    }
    if (event instanceof SweepEvent.EpochReached reached) {
      return state.with(
          state
              .search()
              .reached(reached.trialId(), reached.cell(), reached.epoch(), reached.top1Accuracy()));
    }
    if (event instanceof SweepEvent.CellPromoted promoted) {
      return state.with(
          state.search().promoted(promoted.promotion().cellId(), promoted.promotion().rung()));
    }
    if (event instanceof SweepEvent.StopDecided stopped) {
      return state.with(state.search().stopped(stopped.stop().trialId(), stopped.stop().cellId()));
    }
    if (event instanceof SweepEvent.BisectionStepped stepped) {
      return state.with(state.search().stepped(stepped.step()));
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
        state.cancelled() + (ended.outcome() == TrialOutcome.CANCELLED ? 1 : 0),
        state.stopped() + (ended.outcome() == TrialOutcome.STOPPED ? 1 : 0),
        state
            .search()
            .ended(
                ended.trialId(),
                ended.cell(),
                ended.outcome() == TrialOutcome.FAILED,
                ended.baseTop1()));
  }
}
