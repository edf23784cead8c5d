package dev.espalier.sweep.strategy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.json.Json;
import dev.espalier.sweep.lifecycle.FailureCategory;
import dev.espalier.sweep.lifecycle.FailureCause;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.sweep.lifecycle.SweepDecider;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.lifecycle.SweepState;
import dev.espalier.sweep.lifecycle.TrialOutcome;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What strategies and stopping rules make of the news of trials, through the sweep's decider. */
class SearchTest {

  private static final Instant NOW = Instant.EPOCH;
  private static final CellRef NONE = new CellRef("", "", "");

  private final SweepDecider decider = new SweepDecider();
  private final List<SweepEvent> history = new ArrayList<>();
  private SweepState state = decider.initial();

  @Test
  void promotesTheBestThirdOfARungAsSoonAsItIsThere() {
    accept(Map.of("strategy", Map.of("name", "asha", "eta", 3)), 6, 1);
    assertThat(reach("a", 1, 0.2)).containsExactly(waits("a", 1, 0.2));
    assertThat(reach("b", 1, 0.4)).hasSize(1);
    // The third entry makes a third of the rung one cell: the best so far, not the last to come.
    assertThat(promoted(reach("c", 1, 0.3))).containsExactly("b to 1");
    assertThat(promoted(reach("d", 1, 0.9))).as("now the best").containsExactly("d to 1");
    assertThat(promoted(reach("e", 1, 0.1))).isEmpty();
    List<SweepEvent> last = reach("f", 1, 0.8);
    assertThat(promoted(last)).as("second of six").containsExactly("f to 1");
    assertThat(last)
        .as("whoever is left has no chance any more")
        .filteredOn(SweepEvent.StopDecided.class::isInstance)
        .extracting(event -> ((SweepEvent.StopDecided) event).stop().trialId())
        .containsExactly("c-s0", "a-s0", "e-s0");
  }

  @Test
  void promotesNothingTwiceHoweverOftenItHears() {
    accept(Map.of("strategy", Map.of("name", "asha", "eta", 2)), 4, 1);
    reach("a", 1, 0.5);
    assertThat(promoted(reach("b", 1, 0.6))).containsExactly("b to 1");
    assertThat(reach("b", 1, 0.6)).isEmpty();
    assertThat(reach("b", 1, 0.99)).as("the first word counts").isEmpty();
  }

  @Test
  void neverPromotesWhatDiverged() {
    accept(Map.of("strategy", Map.of("name", "asha", "eta", 2)), 2, 1);
    reach("a", 1, Double.NaN);
    FailureCause diverged = new FailureCause(FailureCategory.SPEC, "NAN_LOSS", "not finite");
    assertThat(promoted(end("b", 0, TrialOutcome.FAILED, diverged, Double.NaN)))
        .as("the rung is closed, but nothing in it has a result")
        .isEmpty();
    assertThat(end("a", 0, TrialOutcome.STOPPED, null, Double.NaN))
        .contains(new SweepEvent.Completed(0, 1, 0, 1));
  }

  @Test
  void aCellEntersWithTheMeanOfItsSeedsOnceAllCame() {
    accept(Map.of("strategy", Map.of("name", "asha", "eta", 2)), 2, 2);
    reach("a", 0, 1, 0.9);
    reach("b", 0, 1, 0.5);
    assertThat(promoted(reach("b", 1, 1, 0.6))).isEmpty();
    List<SweepEvent> last = reach("a", 1, 1, 0.1);
    assertThat(promoted(last)).as("0.55 against 0.5").containsExactly("b to 1");
    assertThat(last)
        .filteredOn(SweepEvent.CellPromoted.class::isInstance)
        .extracting(event -> ((SweepEvent.CellPromoted) event).promotion().trialIds())
        .containsExactly(List.of("b-s0", "b-s1"));
  }

  @Test
  void comparesOnlyWithinATarget() {
    accept(
        Map.of(
            "strategy",
            Map.of("name", "asha", "eta", 2),
            "targets",
            Map.of("macs", List.of(0.3, 0.9))),
        4,
        1);
    CellRef small = new CellRef("small", "any", "macs 0.3");
    CellRef smaller = new CellRef("smaller", "any", "macs 0.3");
    CellRef large = new CellRef("large", "any", "macs 0.9");
    tell(new SweepCommand.ReachEpochs("large-s0", large, Map.of(1, 0.9)));
    tell(new SweepCommand.ReachEpochs("small-s0", small, Map.of(1, 0.2)));
    assertThat(promoted(tell(new SweepCommand.ReachEpochs("smaller-s0", smaller, Map.of(1, 0.1)))))
        .as("the best that keeps as little, though one that keeps more is better")
        .containsExactly("small to 1");
  }

  @Test
  void climbsThroughRungsThatWereReachedBefore() {
    accept(Map.of("strategy", Map.of("name", "asha", "eta", 2)), 4, 1);
    // What another sweep trained to the end before.
    assertThat(
            promoted(
                tell(
                    new SweepCommand.ReachEpochs(
                        "a-s0", ref("a"), Map.of(1, 0.5, 2, 0.6, 4, 0.7, 8, 0.8)))))
        .isEmpty();
    assertThat(promoted(reach("b", 1, 0.4))).containsExactly("a to 1");
    assertThat(promoted(reach("c", 1, 0.45))).isEmpty();
    assertThat(promoted(reach("d", 1, 0.48))).containsExactly("d to 1");
    assertThat(promoted(reach("d", 2, 0.5)))
        .as("of two on rung 1 the better one, which is there already, and on the next alone")
        .containsExactly("a to 2", "a to 3");
  }

  @Test
  void decidesTheSameFromTheSameEventsAfterARestartAnywhere() {
    accept(Map.of("strategy", Map.of("name", "asha", "eta", 2)), 4, 1);
    List<SweepCommand> news = new ArrayList<>();
    for (String cell : List.of("a", "b", "c", "d")) {
      news.add(
          new SweepCommand.ReachEpochs(cell + "-s0", ref(cell), Map.of(1, cell.charAt(0) / 200.0)));
    }
    news.add(new SweepCommand.ReachEpochs("d-s0", ref("d"), Map.of(2, 0.9)));
    news.add(new SweepCommand.ReachEpochs("b-s0", ref("b"), Map.of(2, 0.8)));
    List<SweepEvent> once = new ArrayList<>(history);
    SweepState running = state;
    for (SweepCommand command : news) {
      List<SweepEvent> decided = decider.decide(running, command, NOW);
      once.addAll(decided);
      running = decider.fold(running, decided);
    }
    for (int restart = 0; restart < news.size(); restart++) {
      List<SweepEvent> stored = new ArrayList<>(history);
      for (int i = 0; i < news.size(); i++) {
        // Another scheduler, which has nothing but the events.
        SweepState folded = decider.fold(decider.initial(), stored);
        stored.addAll(decider.decide(folded, news.get(i), NOW));
        if (i == restart) {
          assertThat(decider.decide(decider.fold(decider.initial(), stored), news.get(i), NOW))
              .as("heard again after the restart")
              .isEmpty();
        }
      }
      assertThat(stored).isEqualTo(once);
    }
  }

  @Test
  void theMedianRuleComparesEqualEpochsOfEqualTargetsAfterTheGracePeriod() {
    accept(Map.of("stop", Map.of("name", "median", "graceEpochs", 2, "minTrials", 2)), 4, 1);
    assertThat(reach("a", 1, 0.0)).as("not asked for before the grace period").isEmpty();
    reach("a", 2, 0.5);
    reach("b", 2, 0.6);
    reach("b", 3, 0.7);
    assertThat(stopped(reach("c", 2, 0.54)))
        .containsExactly(
            "c-s0 at 2: top-1 0.5400 after epoch 2 is below 0.5500, the median of 2 others of its"
                + " method and target at that epoch");
    assertThat(stopped(reach("d", 3, 0.1))).as("only one other came to epoch 3").isEmpty();
    assertThat(reach("d", 8, 0.1)).as("nothing is left to save").isEmpty();
    assertThat(reach("c", 4, 0.9)).as("it was told to stop").isEmpty();
  }

  @Test
  void theLossRuleJudgesNobodyBeforeTheBaseIsKnown() {
    accept(Map.of("stop", Map.of("name", "loss", "graceEpochs", 1, "maxLoss", 0.1)), 3, 1);
    assertThat(stopped(reach("a", 1, 0.1))).isEmpty();
    end("b", 0, TrialOutcome.SUCCEEDED, null, 0.85);
    assertThat(stopped(reach("a", 2, 0.75))).as("0.9 - 0.75").hasSize(1);
    assertThat(stopped(reach("c", 1, 0.8001))).isEmpty();
  }

  @Test
  void bisectionFindsTheSmallestKeepRatioWithinTheLoss() {
    Map<String, Object> strategy = Map.of("name", "bisection", "maxLoss", 0.02, "tolerance", 0.1);
    accept(Map.of("strategy", strategy, "targets", Map.of("macs", List.of(0.2, 0.9))), 8, 1);
    // 8 candidates 0.2 ... 0.9 and one line; whoever keeps at least 0.5 is within.
    List<Double> tried = new ArrayList<>();
    for (int chunk = 0; state.phase().open(); chunk++) {
      Search.Chunk next = state.search().chunk(chunk, 8, 500).orElseThrow();
      assertThat(next.places()).hasSize(1);
      int place = next.places().get(0);
      tell(new SweepCommand.PlanTrials(chunk, next.last(), List.of("t" + place)));
      double ratio = 0.2 + place / 10.0;
      tried.add(Math.round(ratio * 10) / 10.0);
      tell(
          new SweepCommand.EndTrial(
              "t" + place, TrialOutcome.SUCCEEDED, null, NONE, ratio > 0.45 ? 0.89 : 0.5, 0.9));
    }
    assertThat(tried).containsExactly(0.5, 0.3, 0.4);
    assertThat(history)
        .filteredOn(SweepEvent.BisectionStepped.class::isInstance)
        .extracting(event -> ((SweepEvent.BisectionStepped) event).step().smallestKeepRatio())
        .containsExactly(0.5, 0.5, 0.5);
    assertThat(state.phase()).isEqualTo(SweepState.Phase.COMPLETED);
    assertThat(Bisection.mostSteps(8)).isEqualTo(4);
    assertThat(Bisection.expectedSteps(8)).isBetween(3.0, 3.5);
  }

  @Test
  void drawsTheSameCellsEveryTimeAndNoneTwice() {
    Search search =
        Search.of(
            Json.canonical(
                Map.of(
                    "strategy",
                    Map.of("name", "random", "samples", 3, "seed", 7),
                    "seeds",
                    List.of(1, 2))),
            3);
    List<Integer> places = search.chunk(0, 20, 500).orElseThrow().places();
    assertThat(places).hasSize(6).doesNotHaveDuplicates();
    assertThat(places.get(1)).as("both seeds of a cell").isEqualTo(places.get(0) + 1);
    assertThat(search.chunk(0, 20, 4).orElseThrow().places()).isEqualTo(places.subList(0, 4));
    assertThat(search.chunk(1, 20, 4).orElseThrow())
        .isEqualTo(new Search.Chunk(places.subList(4, 6), true));
  }

  private void accept(Map<String, Object> spec, int cells, int seeds) {
    Map<String, Object> whole = new TreeMap<>(spec);
    whole.put("recipe", Map.of("epochs", 8));
    List<Object> repeats = new ArrayList<>();
    for (int seed = 0; seed < seeds; seed++) {
      repeats.add(seed);
    }
    whole.put("seeds", repeats);
    tell(
        new SweepCommand.Accept(
            new SweepEvent.Accepted(Json.canonical(whole), 0, cells, cells * seeds, "m", "d", "")));
    if (!String.valueOf(spec.get("strategy")).contains("bisection")) {
      tell(new SweepCommand.PlanTrials(0, true, List.of()));
    }
  }

  private static CellRef ref(String cell) {
    return new CellRef(cell, "any", "macs 0.5");
  }

  private List<SweepEvent> reach(String cell, int epoch, double top1) {
    return reach(cell, 0, epoch, top1);
  }

  private List<SweepEvent> reach(String cell, int seed, int epoch, double top1) {
    return tell(new SweepCommand.ReachEpochs(cell + "-s" + seed, ref(cell), Map.of(epoch, top1)));
  }

  private List<SweepEvent> end(
      String cell, int seed, TrialOutcome outcome, FailureCause cause, double top1) {
    return tell(
        new SweepCommand.EndTrial(
            cell + "-s" + seed,
            outcome,
            cause,
            ref(cell),
            top1,
            Double.isNaN(top1) ? Double.NaN : 0.9));
  }

  private List<SweepEvent> tell(SweepCommand command) {
    List<SweepEvent> decided = decider.decide(state, command, NOW);
    history.addAll(decided);
    state = decider.fold(state, decided);
    assertThat(decider.fold(decider.initial(), history)).isEqualTo(state);
    return decided;
  }

  private static SweepEvent waits(String cell, int epoch, double top1) {
    return new SweepEvent.EpochReached(cell + "-s0", ref(cell), epoch, top1, true);
  }

  private static String cell(SweepEvent.CellPromoted promoted) {
    return promoted.promotion().cellId() + " to " + promoted.promotion().rung();
  }

  private static List<String> promoted(List<SweepEvent> events) {
    return events.stream()
        .filter(SweepEvent.CellPromoted.class::isInstance)
        .map(event -> cell((SweepEvent.CellPromoted) event))
        .toList();
  }

  private static List<String> stopped(List<SweepEvent> events) {
    return events.stream()
        .filter(SweepEvent.StopDecided.class::isInstance)
        .map(event -> ((SweepEvent.StopDecided) event).stop())
        .map(stop -> "%s at %d: %s".formatted(stop.trialId(), stop.epoch(), stop.reason()))
        .toList();
  }
}
