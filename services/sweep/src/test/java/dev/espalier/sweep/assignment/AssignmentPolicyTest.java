package dev.espalier.sweep.assignment;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

    assertThat(assign(List.of(old), List.of(), List.of(train("a", "s1", 0)))).isEmpty();
  }

  @Test
  void neverGivesMoreThanThereAreSlots() {
    List<Assignment> assignments =
        assign(
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

    List<Assignment> assignments = assign(List.of(worker("w1", "h1", 4, TRAIN)), List.of(), offers);

    assertThat(assignments).extracting(Assignment::stageId).contains("small");
  }

  @Test
  void givesTheSweepOfHigherPriorityTheLargerShare() {
    List<Offer> offers = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      offers.add(train("low" + i, "low", 0));
      offers.add(train("high" + i, "high", 10));
    }

    List<Assignment> assignments = assign(List.of(worker("w1", "h1", 6, TRAIN)), List.of(), offers);

    assertThat(assignments).filteredOn(a -> a.stageId().startsWith("high")).hasSize(4);
  }

  @Test
  void runsWhatIsFurthestAlongFirst() {
    Offer search =
        new Offer(
            "a",
            new Capability("SEARCH", "x", 1),
            "",
            "team",
            "s1",
            0,
            NOW.minusSeconds(9),
            1,
            4,
            false);
    Offer finetune = train("b", "s1", 0);
    Worker worker = worker("w1", "h1", 1, TRAIN, new Capability("SEARCH", "x", 1));

    assertThat(assign(List.of(worker), List.of(), List.of(search, finetune)))
        .containsExactly(new Assignment("b", "w1"));
  }

  @Test
  void keepsAHostFreeForAMeasurement() {
    Worker trainer = worker("w1", "h1", 2, TRAIN);
    Worker evaluator = worker("w2", "h1", 1, EVALUATE);
    Occupation measuring = held("e", "w2", 1, true);

    assertThat(assign(List.of(trainer), List.of(measuring), List.of(train("a", "s1", 0))))
        .isEmpty();
    assertThat(
            assign(
                List.of(evaluator),
                List.of(held("t", "w1", 2, false)),
                List.of(evaluate("e", NOW))))
        .isEmpty();
  }

  @Test
  void startsNothingNewOnAHostThatAMeasurementHasWaitedForTooLong() {
    List<Worker> workers = List.of(worker("w1", "h1", 2, TRAIN), worker("w2", "h1", 1, EVALUATE));
    List<Occupation> training = List.of(held("t", "w1", 2, false));
    Offer another = train("a", "s1", 0);

    assertThat(assign(workers, training, List.of(evaluate("e", NOW), another)))
        .as("while the measurement has only begun to wait")
        .containsExactly(new Assignment("a", "w1"));
    assertThat(assign(workers, training, List.of(evaluate("e", NOW.minusSeconds(15)), another)))
        .as("once it has waited 15 s")
        .isEmpty();
    assertThat(assign(workers, List.of(), List.of(evaluate("e", NOW.minusSeconds(15)), another)))
        .as("and when the host is idle")
        .containsExactly(new Assignment("e", "w2"));
  }

  @Test
  void keepsNoHostFreeForATeamThatMayHaveNoMore() {
    AssignmentPolicy policy =
        new AssignmentPolicy(
            Duration.ofSeconds(15), Duration.ofSeconds(30), Map.of("team", new TeamShare(1, 0)));
    List<Worker> workers = List.of(worker("w1", "h1", 2, TRAIN), worker("w2", "h1", 1, EVALUATE));
    List<Offer> offers = List.of(evaluate("e", NOW.minusSeconds(900)), other("d"));

    assertThat(policy.assign(NOW, workers, List.of(), offers, Standing.NEW))
        .containsExactly(new Assignment("d", "w1"));
  }

  @Test
  void measuresOnlyOnAWorkerWithTheLabels() {
    Worker bench =
        new Worker(
            "w1", "h1", "cpu", Set.of(EVALUATE), 1, 0, Map.of("device", "a", "room", "cellar"));
    Worker idle = new Worker("w2", "h2", "cpu", Set.of(EVALUATE), 1, 0, Map.of("device", "b"));
    Offer offer =
        new Offer("e", EVALUATE, "cpu", "team", "s1", 0, NOW, 5, 1, true, Map.of("room", "cellar"));

    assertThat(assign(List.of(bench, idle), List.of(held("t", "w3", 2, false)), List.of(offer)))
        .as("while its host is busy")
        .isEmpty();
    assertThat(assign(List.of(bench, idle), List.of(), List.of(offer)))
        .containsExactly(new Assignment("e", "w1"));
  }

  @Test
  void keepsTheLongestWalkGoingBesideWhatIsFurthestAlong() {
    List<Offer> offers = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      offers.add(train("b" + i, "s1", 0));
    }
    Capability search = new Capability("SEARCH", "x", 1);
    offers.add(new Offer("link1", search, "cpu", "team", "s1", 0, NOW, 1, 9, false));
    offers.add(new Offer("link2", search, "cpu", "team", "s1", 0, NOW, 1, 9, false));

    List<Assignment> assignments =
        assign(List.of(worker("w1", "h1", 3, TRAIN, search)), List.of(), offers);

    assertThat(assignments).extracting(Assignment::stageId).containsExactly("b0", "link1", "b1");
  }

  @Test
  void givesATeamNoMoreThanItsQuota() {
    AssignmentPolicy policy =
        new AssignmentPolicy(
            Duration.ofSeconds(15), Duration.ofSeconds(30), Map.of("team", new TeamShare(5, 2)));
    List<Offer> offers =
        List.of(train("a", "s1", 0), train("b", "s1", 0), train("c", "s2", 0), other("d"));
    List<Occupation> held = List.of(held("t", "w1", 2, false));

    List<Assignment> assignments =
        policy.assign(NOW, List.of(worker("w1", "h1", 9, TRAIN)), held, offers, Standing.NEW);

    assertThat(assignments).extracting(Assignment::stageId).containsExactlyInAnyOrder("c", "d");
  }

  @Test
  void givesTheSlotToTheTeamThatHasUsedLess() {
    Standing standing = new Standing(Map.of("team", 100.0, "other", 400.0), Map.of());
    List<Offer> offers = List.of(train("a", "s1", 0), other("d"));
    List<Worker> workers = List.of(worker("w1", "h1", 1, TRAIN));

    assertThat(policy.assign(NOW, workers, List.of(), offers, standing))
        .containsExactly(new Assignment("a", "w1"));
  }

  @Test
  void aSweepThatWaitedLongGoesBeforeOneOfHigherPriorityThatIsServed() {
    Offer old = new Offer("a", TRAIN, "cpu", "team", "s1", 0, NOW.minusSeconds(700), 4, 2, false);
    Offer fresh =
        new Offer("b", TRAIN, "cpu", "team", "s2", 20, NOW.minusSeconds(700), 4, 2, false);
    Standing served = new Standing(Map.of(), Map.of("s2", NOW));
    List<Worker> workers = List.of(worker("w1", "h1", 1, TRAIN));

    assertThat(policy.assign(NOW, workers, List.of(), List.of(old, fresh), served))
        .containsExactly(new Assignment("a", "w1"));
    assertThat(policy.assign(NOW, workers, List.of(), List.of(old, fresh), Standing.NEW))
        .containsExactly(new Assignment("b", "w1"));
  }

  private List<Assignment> assign(
      List<Worker> workers, List<Occupation> occupations, List<Offer> offers) {
    return policy.assign(NOW, workers, occupations, offers, Standing.NEW);
  }

  private static Occupation held(String stageId, String worker, int remaining, boolean alone) {
    return new Occupation(
        stageId, worker, "h1", "team", "s1", 0, remaining, alone, NOW, true, false);
  }

  private static Offer other(String stageId) {
    return new Offer(stageId, TRAIN, "cpu", "other", "of other", 0, NOW, 4, 2, false);
  }

  private static Worker worker(String id, String host, int slots, Capability... capabilities) {
    return new Worker(id, host, "cpu", Set.of(capabilities), slots, 0);
  }

  private static Offer train(String stageId, String sweepId, int priority) {
    return new Offer(stageId, TRAIN, "cpu", "team", sweepId, priority, NOW, 4, 2, false);
  }

  private static Offer evaluate(String stageId, Instant since) {
    return new Offer(stageId, EVALUATE, "cpu", "team", "s1", 0, since, 5, 1, true);
  }
}
