package dev.espalier.sweep.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What deletion leaves may not depend on what came before: that may be gone from the streams. */
class DeletionTest {

  private static final Instant NOW = Instant.EPOCH;
  private static final Lease LEASE = new Lease("w", "l", 1);

  private final SweepDecider sweeps = new SweepDecider();
  private final StageDecider stages = new StageDecider(RetryPolicy.DEFAULT);

  @Test
  void onlyASweepThatHasEndedIsDeletedAndOnce() {
    SweepState running =
        sweeps.evolve(
            sweeps.initial(),
            new SweepEvent.Accepted("{}", 0, 1, 1, "0".repeat(64), "1".repeat(64), ""));
    assertThat(sweeps.decide(running, new SweepCommand.Delete(), NOW)).isEmpty();

    SweepState ended = sweeps.evolve(running, new SweepEvent.Cancelled(""));
    assertThat(sweeps.decide(ended, new SweepCommand.Delete(), NOW))
        .containsExactly(new SweepEvent.Deleted());
    SweepState deleted = sweeps.evolve(ended, new SweepEvent.Deleted());
    assertThat(deleted).isEqualTo(sweeps.evolve(sweeps.initial(), new SweepEvent.Deleted()));
    assertThat(sweeps.decide(deleted, new SweepCommand.Delete(), NOW)).isEmpty();
    assertThat(sweeps.decide(deleted, new SweepCommand.Resume(), NOW)).isEmpty();
  }

  @Test
  void aStageIsForgottenOnceAllThatClaimItAreDeleted() {
    StageState done = done();
    assertThat(stages.decide(done, new StageCommand.Forget(Set.of("a")), NOW)).isEmpty();
    List<StageEvent> forgotten =
        stages.decide(done, new StageCommand.Forget(Set.of("a", "b")), NOW);
    assertThat(forgotten).containsExactly(new StageEvent.Forgotten(1));

    StageState after = stages.evolve(done, forgotten.get(0));
    assertThat(after).isEqualTo(stages.evolve(stages.initial(), forgotten.get(0)));
    assertThat(stages.decide(after, claim("c"), NOW))
        .as("whoever comes next has it done anew")
        .hasSize(2);
    assertThat(after.generation()).as("and what is late stays stale").isEqualTo(1);
  }

  @Test
  void aStageThatRunsIsNotForgotten() {
    StageState running = running();
    assertThat(stages.decide(running, new StageCommand.Forget(Set.of("a", "b")), NOW)).isEmpty();
  }

  private StageState running() {
    StageState state = stages.initial();
    for (String sweep : List.of("a", "b")) {
      state = stages.fold(state, stages.decide(state, claim(sweep), NOW));
    }
    return stages.evolve(
        state, new StageEvent.Assigned(LEASE.workerId(), LEASE.leaseId(), 1, "cpu"));
  }

  private StageState done() {
    return stages.evolve(running(), new StageEvent.Succeeded(List.of(), List.of(), 1));
  }

  private static StageCommand claim(String sweep) {
    return new StageCommand.Claim(Set.of(), "trial of " + sweep, sweep, 0, 1);
  }
}
