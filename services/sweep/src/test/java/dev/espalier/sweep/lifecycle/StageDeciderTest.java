package dev.espalier.sweep.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.sweep.lifecycle.StageCommand.Report;
import dev.espalier.sweep.lifecycle.StageState.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class StageDeciderTest {

  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
  private static final RetryPolicy RETRY =
      new RetryPolicy(2, 2, Duration.ofSeconds(10), Duration.ofSeconds(60));

  private final StageDecider decider = new StageDecider(RETRY);
  private final List<StageEvent> events = new ArrayList<>();

  @Test
  void runsOnceItsInputsAreThere() {
    tell(new StageCommand.Claim(Set.of("search"), "t1", "s1", 0, 1));
    assertThat(assign("l1")).isEmpty();

    tell(new StageCommand.ReceiveInput("search", List.of()));

    assertThat(assign("l1")).containsExactly(new StageEvent.Assigned("w", "l1", 1, "cpu"));
  }

  @Test
  void changesNothingWhenToldTwice() {
    StageCommand claim = new StageCommand.Claim(Set.of("search"), "t1", "s1", 0, 1);
    StageCommand input = new StageCommand.ReceiveInput("search", List.of());
    tell(claim);
    tell(input);

    assertThat(tell(claim)).isEmpty();
    assertThat(tell(input)).isEmpty();
  }

  @Test
  void recordsAReportUnderAnOldLeaseWithoutEffect() {
    running("l1");
    tell(new StageCommand.Expire(lease("l1", 1)));
    assign("l2");
    StageState before = state();

    List<StageEvent> decided = report("l1", 1, success());

    assertThat(decided)
        .containsExactly(
            new StageEvent.StaleReportRejected("report", "w", 1, 2, "stage_succeeded"));
    assertThat(state()).isEqualTo(before);
  }

  @Test
  void triesAgainAfterABackOffBetweenHalfAndTheWhole() {
    running("l1");

    List<StageEvent> decided = report("l1", 1, failure(FailureCategory.CAPACITY));

    StageEvent.AttemptEnded ended = (StageEvent.AttemptEnded) decided.get(0);
    assertThat(ended.retryAt()).isBetween(NOW.plusSeconds(5), NOW.plusSeconds(10));
    assertThat(state().runnable(NOW)).isFalse();
    assertThat(state().runnable(NOW.plusSeconds(10))).isTrue();
  }

  @Test
  void failsAtOnceForAWrongRequest() {
    running("l1");

    report("l1", 1, failure(FailureCategory.SPEC));

    assertThat(state().status()).isInstanceOf(Status.Failed.class);
  }

  @Test
  void failsWhenItsAttemptsAreUsedUp() {
    running("l1");
    report("l1", 1, failure(FailureCategory.INTERNAL));
    assign("l2", NOW.plusSeconds(60));

    List<StageEvent> decided = report("l2", 2, failure(FailureCategory.INTERNAL));

    assertThat(decided.get(1)).isInstanceOf(StageEvent.Failed.class);
    assertThat(((StageEvent.Failed) decided.get(1)).attempts()).isEqualTo(2);
  }

  @Test
  void countsLostWorkersApartFromAttempts() {
    running("l1");
    tell(new StageCommand.Expire(lease("l1", 1)));
    assign("l2");
    tell(new StageCommand.Expire(lease("l2", 2)));

    assertThat(state().attempts()).isZero();
    assertThat(state().workerLosses()).isEqualTo(2);
    assign("l3", NOW.plusSeconds(60));
    tell(new StageCommand.Expire(lease("l3", 3)));
    assertThat(state().status()).isInstanceOf(Status.Failed.class);
  }

  @Test
  void doesNotCountAnInterruption() {
    running("l1");

    report("l1", 1, new Report.Interrupted("drain"));

    assertThat(state().attempts()).isZero();
    assertThat(state().runnable(NOW)).isTrue();
  }

  @Test
  void stopsWhenTheLastClaimantLeaves() {
    running("l1");
    tell(new StageCommand.Claim(Set.of(), "t2", "s2", 0, 1));

    tell(new StageCommand.Release("t1", "cancelled"));
    assertThat(state().status()).isInstanceOf(Status.Running.class);

    tell(new StageCommand.Release("t2", "cancelled"));
    assertThat(state().status()).isInstanceOf(Status.Cancelled.class);
  }

  @Test
  void startsAnewForANewClaimantAfterAFailureAndFencesOldLeases() {
    running("l1");
    report("l1", 1, failure(FailureCategory.SPEC));

    List<StageEvent> decided = tell(new StageCommand.Claim(Set.of(), "t2", "s2", 0, 1));

    assertThat(decided.get(0)).isInstanceOf(StageEvent.Requested.class);
    assertThat(assign("l2")).containsExactly(new StageEvent.Assigned("w", "l2", 2, "cpu"));
    assertThat(tell(new StageCommand.Claim(Set.of(), "t1", "s1", 0, 1)))
        .as("a trial that failed does not come back")
        .isEmpty();
  }

  @Test
  void keepsItsResultForWhoClaimsItLater() {
    running("l1");
    report("l1", 1, success());

    assertThat(tell(new StageCommand.Claim(Set.of(), "t2", "s2", 0, 1)))
        .containsExactly(new StageEvent.Claimed("t2", "s2", 0, 1));
    assertThat(state().status()).isInstanceOf(Status.Succeeded.class);
  }

  @Test
  void waitsOnlyWhileAllOfItsSweepsArePaused() {
    tell(new StageCommand.Claim(Set.of(), "t1", "s1", 0, 1));
    tell(new StageCommand.Claim(Set.of(), "t2", "s2", 0, 1));
    tell(new StageCommand.Hold(new Holder.OfSweep("s1"), "paused"));
    assertThat(state().runnable(NOW)).isTrue();

    tell(new StageCommand.Hold(new Holder.OfSweep("s2"), "paused"));
    assertThat(state().runnable(NOW)).isFalse();

    tell(new StageCommand.ReleaseFromHold(new Holder.OfSweep("s1")));
    assertThat(state().runnable(NOW)).isTrue();
  }

  @Test
  void waitsWhileEachOfItsTrialsIsPausedByItselfOrWithItsSweep() {
    tell(new StageCommand.Claim(Set.of(), "t1", "s1", 0, 1));
    tell(new StageCommand.Claim(Set.of(), "t2", "s1", 0, 1));
    tell(new StageCommand.Claim(Set.of(), "t3", "s2", 0, 1));
    tell(new StageCommand.Hold(new Holder.OfTrial("t3"), "paused"));
    tell(new StageCommand.Hold(new Holder.OfTrial("t1"), "paused"));
    assertThat(state().runnable(NOW)).as("t2 wants it").isTrue();

    tell(new StageCommand.Hold(new Holder.OfSweep("s1"), "paused"));
    assertThat(state().runnable(NOW)).isFalse();

    tell(new StageCommand.ReleaseFromHold(new Holder.OfSweep("s1")));
    assertThat(state().runnable(NOW)).as("t2 wants it again").isTrue();
    assertThat(state().holding())
        .containsExactlyInAnyOrder(new Holder.OfTrial("t1"), new Holder.OfTrial("t3"));
  }

  @Test
  void aPreemptedStageGivesItsSlotBackOnceAndWaitsForAnother() {
    running("l1");
    StageCommand preempt = new StageCommand.Preempt(lease("l1", 1), "others wait");
    assertThat(tell(preempt)).containsExactly(new StageEvent.Preempted(1, "others wait"));
    assertThat(tell(preempt)).isEmpty();
    assertThat(state().yields()).isTrue();
    report("l1", 1, new Report.Started(new StageEvent.Started("cpu", "host", 0)));
    assertThat(state().yields()).as("it had not begun yet").isTrue();

    report("l1", 1, new Report.Interrupted("others wait"));

    assertThat(state().runnable(NOW)).isTrue();
    assertThat(state().attempts()).isZero();
    assign("l2");
    assertThat(state().yields()).isFalse();
    assertThat(tell(preempt)).as("of the lease before").isEmpty();
  }

  @Test
  void isHeldOnlyByWhoClaimsIt() {
    tell(new StageCommand.Claim(Set.of(), "t1", "s1", 0, 1));

    assertThat(tell(new StageCommand.Hold(new Holder.OfTrial("t2"), "paused"))).isEmpty();
    assertThat(tell(new StageCommand.Hold(new Holder.OfSweep("s2"), "paused"))).isEmpty();
  }

  private void running(String leaseId) {
    tell(new StageCommand.Claim(Set.of(), "t1", "s1", 0, 1));
    assign(leaseId);
  }

  private List<StageEvent> assign(String leaseId) {
    return assign(leaseId, NOW.plusSeconds(30));
  }

  private List<StageEvent> assign(String leaseId, Instant at) {
    return tell(new StageCommand.Assign("w", leaseId, "cpu"), at);
  }

  private List<StageEvent> report(String leaseId, long generation, Report report) {
    return tell(new StageCommand.Accept("report", lease(leaseId, generation), report));
  }

  private static Lease lease(String leaseId, long generation) {
    return new Lease("w", leaseId, generation);
  }

  private static Report success() {
    return new Report.Succeeded(new StageEvent.Succeeded(List.of(), List.of(), 1));
  }

  private static Report failure(FailureCategory category) {
    return new Report.Failed(new FailureCause(category, "BROKEN", "as scripted"));
  }

  private List<StageEvent> tell(StageCommand command) {
    return tell(command, NOW);
  }

  private List<StageEvent> tell(StageCommand command, Instant at) {
    List<StageEvent> decided = decider.decide(state(), command, at);
    events.addAll(decided);
    return decided;
  }

  private StageState state() {
    return decider.fold(decider.initial(), events);
  }
}
