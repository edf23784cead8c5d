package dev.espalier.sweep.assignment;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PreemptionPolicyTest {

  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
  private static final Instant LONG_AGO = NOW.minusSeconds(600);
  private static final Capability TRAIN = new Capability("FINETUNE", "finetune", 1);
  private static final Worker FULL = new Worker("w", "h", "cpu", Set.of(TRAIN), 2, 2);

  private final PreemptionPolicy policy =
      new PreemptionPolicy(Duration.ofSeconds(60), Map.of("small", new TeamShare(1, 1)));

  @Test
  void takesTheLatestOfATeamThatHoldsMoreThanItsQuota() {
    List<Occupation> held =
        List.of(held("old", "small", 50, LONG_AGO), held("new", "small", 90, NOW.minusSeconds(1)));

    assertThat(preempt(held, List.of(), Standing.NEW))
        .containsExactly(new Preemption("new", "team small is over its quota of 1 slots"));
  }

  @Test
  void takesTheLowestPriorityForOneThatIsHigherByTen() {
    List<Occupation> held =
        List.of(held("low", "a", -5, LONG_AGO), held("middle", "a", 0, LONG_AGO));

    assertThat(preempt(held, List.of(offer("urgent", "a", 5, LONG_AGO)), Standing.NEW))
        .containsExactly(new Preemption("low", "sweep of a of priority 5 waits"));
    assertThat(preempt(held, List.of(offer("not urgent", "a", 4, LONG_AGO)), Standing.NEW))
        .isEmpty();
  }

  @Test
  void hasPatienceWithWhoWaitsAndWithWhoRuns() {
    Instant justNow = NOW.minusSeconds(59);
    List<Occupation> held = List.of(held("x", "a", 0, LONG_AGO), held("y", "a", 0, LONG_AGO));

    assertThat(preempt(held, List.of(offer("urgent", "a", 90, justNow)), Standing.NEW)).isEmpty();
    assertThat(
            preempt(
                List.of(held("x", "a", 0, justNow), held("y", "a", 0, justNow)),
                List.of(offer("urgent", "a", 90, LONG_AGO)),
                Standing.NEW))
        .isEmpty();
    Standing served = new Standing(Map.of(), Map.of("of a", justNow));
    assertThat(preempt(held, List.of(offer("urgent", "a", 90, LONG_AGO)), served))
        .as("its sweep got a slot just now")
        .isEmpty();
  }

  @Test
  void takesFromTheTeamThatUsedMostForOneThatHoldsNothing() {
    List<Occupation> held = List.of(held("x", "a", 50, LONG_AGO), held("y", "b", 50, LONG_AGO));
    Standing standing = new Standing(Map.of("a", 100.0, "b", 900.0, "c", 50.0), Map.of());

    assertThat(preempt(held, List.of(offer("starved", "c", 0, LONG_AGO)), standing))
        .containsExactly(new Preemption("y", "team c has no slot"));
    assertThat(preempt(held, List.of(offer("served", "b", 0, LONG_AGO)), standing))
        .as("it holds one")
        .isEmpty();
  }

  @Test
  void takesNothingThatCannotGoOnOrWhileASlotComesFreeAnyway() {
    Occupation measuring =
        new Occupation("e", "w", "h", "a", "of a", 0, 1, false, LONG_AGO, false, false);
    Occupation yielding =
        new Occupation("g", "w", "h", "a", "of a", 0, 1, false, LONG_AGO, true, true);
    List<Offer> urgent = List.of(offer("urgent", "a", 90, LONG_AGO));

    assertThat(preempt(List.of(measuring, measuring), urgent, Standing.NEW)).isEmpty();
    assertThat(preempt(List.of(held("x", "a", 0, LONG_AGO), yielding), urgent, Standing.NEW))
        .isEmpty();
    assertThat(
            policy.preempt(
                NOW,
                List.of(new Worker("w", "h", "cpu", Set.of(TRAIN), 3, 2)),
                List.of(held("x", "a", 0, LONG_AGO), held("y", "a", 0, LONG_AGO)),
                urgent,
                Standing.NEW))
        .as("a slot is free")
        .isEmpty();
  }

  @Test
  void takesNothingFromAWorkerThatCouldNotTakeTheOther() {
    Offer search =
        new Offer(
            "s", new Capability("SEARCH", "x", 1), "", "a", "of a", 90, LONG_AGO, 1, 4, false);

    assertThat(preempt(List.of(held("x", "a", 0, LONG_AGO)), List.of(search), Standing.NEW))
        .isEmpty();
  }

  private List<Preemption> preempt(List<Occupation> held, List<Offer> offers, Standing standing) {
    return policy.preempt(NOW, List.of(FULL), held, offers, standing);
  }

  private static Occupation held(String stageId, String team, int priority, Instant since) {
    return new Occupation(
        stageId, "w", "h", team, "of " + team, priority, 2, false, since, true, false);
  }

  private static Offer offer(String stageId, String team, int priority, Instant since) {
    return new Offer(stageId, TRAIN, "", team, "of " + team, priority, since, 4, 2, false);
  }
}
