package dev.espalier.sweep.assignment;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AssignmentPolicyTest {

  private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
  private static final Capability TRAIN = new Capability("FINETUNE", "finetune", 1);
  private static final Capability EVALUATE = new Capability("EVALUATE", "evaluate", 1);

  private final AssignmentPolicy policy = AssignmentPolicy.DEFAULT;

  @Test
  void givesAStageOnlyToWhoCanDoItsVersion() {
    Worker old = worker("w1", "h1", 1, new Capability("FINETUNE", "finetune", 2));

    assertThat(policy.assign(NOW, List.of(old), List.of(), List.of(train("a", "s1", 0)))).isEmpty();
  }

  @Test
  void neverGivesMoreThanThereAreSlots() {
    List<Assignment> assignments =
        policy.assign(
            NOW,
            List.of(worker("w1", "h1", 2, TRAIN)),
            List.of(),
            List.of(train("a", "s1", 0), train("b", "s1", 0), train("c", "s1", 0)));

    assertThat(assignments).hasSize(2);
  }

  @Test
  void sharesSlotsBetweenASmallAndALargeSweep() {
    List<Offer> offers = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      offers.add(train("large" + i, "large", 0));
    }
    offers.add(train("small", "small", 0));

    List<Assignment> assignments =
        policy.assign(NOW, List.of(worker("w1", "h1", 4, TRAIN)), List.of(), offers);

    assertThat(assignments).extracting(Assignment::stageId).contains("small");
  }

  @Test
  void givesTheSweepOfHigherPriorityTheLargerShare() {
    List<Offer> offers = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      offers.add(train("low" + i, "low", 0));
      offers.add(train("high" + i, "high", 10));
    }

    List<Assignment> assignments =
        policy.assign(NOW, List.of(worker("w1", "h1", 6, TRAIN)), List.of(), offers);

    assertThat(assignments).filteredOn(a -> a.stageId().startsWith("high")).hasSize(4);
  }

  @Test
  void runsWhatIsFurthestAlongFirst() {
    Offer search =
        new Offer(
            "a", new Capability("SEARCH", "x", 1), "", "s1", 0, NOW.minusSeconds(9), 1, false);
    Offer finetune = train("b", "s1", 0);
    Worker worker = worker("w1", "h1", 1, TRAIN, new Capability("SEARCH", "x", 1));

    assertThat(policy.assign(NOW, List.of(worker), List.of(), List.of(search, finetune)))
        .containsExactly(new Assignment("b", "w1"));
  }

  @Test
  void keepsAHostFreeForAMeasurement() {
    Worker trainer = worker("w1", "h1", 2, TRAIN);
    Worker evaluator = worker("w2", "h1", 1, EVALUATE);
    Occupation measuring = new Occupation("e", "w2", "h1", "s1", true);

    assertThat(
            policy.assign(NOW, List.of(trainer), List.of(measuring), List.of(train("a", "s1", 0))))
        .isEmpty();
    assertThat(
            policy.assign(
                NOW,
                List.of(evaluator),
                List.of(new Occupation("t", "w1", "h1", "s1", false)),
                List.of(evaluate("e", NOW))))
        .isEmpty();
  }

  @Test
  void startsNothingNewOnAHostThatAMeasurementHasWaitedForTooLong() {
    List<Worker> workers = List.of(worker("w1", "h1", 2, TRAIN), worker("w2", "h1", 1, EVALUATE));
    List<Occupation> training = List.of(new Occupation("t", "w1", "h1", "s1", false));
    Offer another = train("a", "s1", 0);

    assertThat(policy.assign(NOW, workers, training, List.of(evaluate("e", NOW), another)))
        .as("while the measurement has only begun to wait")
        .containsExactly(new Assignment("a", "w1"));
    assertThat(
            policy.assign(
                NOW, workers, training, List.of(evaluate("e", NOW.minusSeconds(15)), another)))
        .as("once it has waited 15 s")
        .isEmpty();
    assertThat(
            policy.assign(
                NOW, workers, List.of(), List.of(evaluate("e", NOW.minusSeconds(15)), another)))
        .as("and when the host is idle")
        .containsExactly(new Assignment("e", "w2"));
  }

  private static Worker worker(String id, String host, int slots, Capability... capabilities) {
    return new Worker(id, host, "cpu", Set.of(capabilities), slots, 0);
  }

  private static Offer train(String stageId, String sweepId, int priority) {
    return new Offer(stageId, TRAIN, "cpu", sweepId, priority, NOW, 4, false);
  }

  private static Offer evaluate(String stageId, Instant since) {
    return new Offer(stageId, EVALUATE, "cpu", "s1", 0, since, 5, true);
  }
}
