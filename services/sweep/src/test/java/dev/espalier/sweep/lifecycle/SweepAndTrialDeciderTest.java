package dev.espalier.sweep.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.sweep.strategy.CellRef;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SweepAndTrialDeciderTest {

  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

  private final SweepDecider sweeps = new SweepDecider();
  private final TrialDecider trials = new TrialDecider();
  private SweepState sweep = sweeps.initial();
  private TrialState trial = trials.initial();

  @Test
  void completesWhenAllPlannedTrialsHaveEndedEachCountedOnce() {
    accept(2);
    tell(new SweepCommand.PlanTrials(0, false, List.of("t1")));
    tell(end("t1", TrialOutcome.SUCCEEDED));
    assertThat(tell(end("t1", TrialOutcome.FAILED))).isEmpty();
    tell(new SweepCommand.PlanTrials(1, true, List.of("t2")));

    List<SweepEvent> decided = tell(end("t2", TrialOutcome.FAILED));

    assertThat(decided).contains(new SweepEvent.Completed(1, 1, 0, 0));
  }

  @Test
  void plansEachChunkOnceAndInOrder() {
    accept(2);

    assertThat(tell(new SweepCommand.PlanTrials(1, true, List.of("t2")))).isEmpty();
    assertThat(tell(new SweepCommand.PlanTrials(0, false, List.of("t1")))).hasSize(1);
    assertThat(tell(new SweepCommand.PlanTrials(0, false, List.of("t1")))).isEmpty();
  }

  @Test
  void staysCancelledWhateverItsTrialsSay() {
    accept(1);
    tell(new SweepCommand.PlanTrials(0, true, List.of("t1")));
    tell(new SweepCommand.Cancel("asked"));

    tell(end("t1", TrialOutcome.CANCELLED));

    assertThat(sweep.phase()).isEqualTo(SweepState.Phase.CANCELLED);
    assertThat(tell(new SweepCommand.Resume())).isEmpty();
  }

  @Test
  void stopsAtACapOnceAndNothingResumesIt() {
    accept(2);
    SweepEvent.CapReached reached = new SweepEvent.CapReached(SweepEvent.CapScope.SWEEP, 2, 2.0125);
    assertThat(tell(new SweepCommand.ReachCap(reached))).containsExactly(reached);
    assertThat(reached.reason()).isEqualTo("stopped at its cap of 2 device-hours, after 2.013");

    assertThat(tell(new SweepCommand.ReachCap(reached))).isEmpty();
    assertThat(tell(new SweepCommand.Pause())).isEmpty();
    assertThat(tell(new SweepCommand.Resume())).isEmpty();
    assertThat(tell(new SweepCommand.Cancel(reached.reason()))).hasSize(1);
    assertThat(tell(new SweepCommand.ReachCap(reached))).isEmpty();
  }

  @Test
  void completesWhenTheLastTrialEndsAlthoughItsCapIsReached() {
    accept(1);
    tell(new SweepCommand.PlanTrials(0, true, List.of("t1")));
    tell(new SweepCommand.ReachCap(new SweepEvent.CapReached(SweepEvent.CapScope.TEAM, 0.5, 0.6)));

    assertThat(tell(end("t1", TrialOutcome.SUCCEEDED)))
        .contains(new SweepEvent.Completed(1, 0, 0, 0));
  }

  @Test
  void endsATrialWithItsLastStage() {
    plan();
    tell(new TrialCommand.StageSucceeded("search", List.of(), List.of()));
    List<Measurement> measured = List.of(new Measurement("top1_accuracy", 0.5));

    List<TrialEvent> decided =
        tell(new TrialCommand.StageSucceeded("evaluate", measured, List.of()));

    assertThat(decided)
        .containsExactly(
            new TrialEvent.StageSucceeded("evaluate"),
            new TrialEvent.Succeeded(measured, List.of()));
  }

  @Test
  void hearsNothingMoreOnceATrialHasEnded() {
    plan();
    tell(
        new TrialCommand.StageFailed(
            "search", new FailureCause(FailureCategory.SPEC, "NAN_LOSS", "no number")));

    assertThat(tell(new TrialCommand.StageSucceeded("evaluate", List.of(), List.of()))).isEmpty();
    assertThat(tell(new TrialCommand.Cancel("late"))).isEmpty();
  }

  @Test
  void aPausedTrialTakesWhatItsStagesHaveDoneAndGoesOn() {
    plan();
    assertThat(tell(new TrialCommand.Resume())).isEmpty();
    assertThat(tell(new TrialCommand.Pause())).containsExactly(new TrialEvent.Paused());
    assertThat(tell(new TrialCommand.Pause())).isEmpty();

    tell(new TrialCommand.StageSucceeded("search", List.of(), List.of()));
    assertThat(((TrialState.Running) trial).paused()).isTrue();
    assertThat(tell(new TrialCommand.Resume())).containsExactly(new TrialEvent.Resumed());

    assertThat(tell(new TrialCommand.StageSucceeded("evaluate", List.of(), List.of()))).hasSize(2);
    assertThat(tell(new TrialCommand.Pause())).as("it has ended").isEmpty();
  }

  private void accept(int count) {
    tell(new SweepCommand.Accept(new SweepEvent.Accepted("{}", 0, count, count, "m", "d", "")));
  }

  private static SweepCommand end(String trialId, TrialOutcome outcome) {
    return new SweepCommand.EndTrial(
        trialId, outcome, null, CellRef.UNKNOWN, Double.NaN, Double.NaN);
  }

  private void plan() {
    tell(
        new TrialCommand.Plan(
            new TrialEvent.Planned(
                "s1",
                CellRef.UNKNOWN,
                0,
                List.of(
                    new PlannedStage("search", Set.of()),
                    new PlannedStage("evaluate", Set.of("search"))))));
  }

  private List<SweepEvent> tell(SweepCommand command) {
    List<SweepEvent> decided = sweeps.decide(sweep, command, NOW);
    sweep = sweeps.fold(sweep, decided);
    return decided;
  }

  private List<TrialEvent> tell(TrialCommand command) {
    List<TrialEvent> decided = trials.decide(trial, command, NOW);
    trial = trials.fold(trial, decided);
    return decided;
  }
}
