package dev.espalier.sweep.simulation;

import dev.espalier.architecture.json.Json;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.sweep.lifecycle.SweepDecider;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.lifecycle.SweepState;
import dev.espalier.sweep.strategy.CellRef;
import dev.espalier.sweep.strategy.SearchRules;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/** Strategies in the simulation, and what must hold of what they decided. */
final class SimulatedSearch {

  /** Epochs of every recovery. */
  static final int EPOCHS = 4;

  private SimulatedSearch() {}

  /** The text of a sweep; every other one is a plain grid. */
  static String spec(Random random, int seeds) {
    List<Object> repeats = new ArrayList<>();
    for (long seed = 0; seed < seeds; seed++) {
      repeats.add(seed);
    }
    Map<String, Object> recipe = Map.of("epochs", EPOCHS);
    Map<String, Object> targets = Map.of("macs", List.of(0.2, 0.8));
    Object median = Map.of("name", "median", "graceEpochs", 2, "minTrials", 2);
    Object loss = Map.of("name", "loss", "graceEpochs", 2, "maxLoss", 0.3);
    Map<String, Object> tree =
        switch (random.nextInt(8)) {
          case 0 -> Map.of("strategy", Map.of("name", "asha", "eta", 2));
          case 1 -> Map.of("strategy", Map.of("name", "asha", "eta", 3), "stop", loss);
          case 2 ->
              Map.of("strategy", Map.of("name", "bisection", "maxLoss", 0.1, "tolerance", 0.1));
          case 3 -> Map.of("stop", median);
          default -> Map.of();
        };
    Map<String, Object> whole = new TreeMap<>(tree);
    whole.put("recipe", recipe);
    whole.put("targets", targets);
    whole.put("seeds", repeats);
    return Json.canonical(whole);
  }

  static boolean searches(String json) {
    return SearchRules.of(json).adaptive();
  }

  /** Cells of the full plan: as many for each target. */
  static int cells(String json, int size) {
    SearchRules rules = SearchRules.of(json);
    return size * rules.candidates().size();
  }

  /** Cells alternate between the two targets. */
  static CellRef cell(int number) {
    return new CellRef("c" + number, "any", number % 2 == 0 ? "macs 0.2" : "macs 0.8");
  }

  /** What a training shows: always the same, sometimes that it diverged. */
  static double top1(String stageId, int epoch) {
    Random random = new Random(stageId.hashCode() * 31L + epoch);
    random.nextInt();
    return random.nextInt(12) == 0 ? Double.NaN : random.nextDouble();
  }

  /**
   * Nothing climbs twice, nothing that diverged climbs, and whoever decides again from what came in
   * decides the same.
   */
  static void check(String id, List<SweepEvent> events, SweepDecider decider, Instant now) {
    Set<String> climbed = new HashSet<>();
    Set<String> stopped = new HashSet<>();
    SweepState state = decider.initial();
    for (int i = 0; i < events.size(); i++) {
      SweepEvent event = events.get(i);
      if (event instanceof SweepEvent.CellPromoted promoted) {
        var promotion = promoted.promotion();
        if (!climbed.add(promotion.cellId() + " " + promotion.rung())) {
          throw new AssertionError(id + " promotes twice: " + promotion);
        }
        if (Double.isNaN(promotion.top1Accuracy())) {
          throw new AssertionError(id + " promotes what diverged: " + promotion);
        }
      }
      if (event instanceof SweepEvent.StopDecided decided
          && !stopped.add(decided.stop().trialId())) {
        throw new AssertionError(id + " stops twice: " + decided);
      }
      SweepCommand command = cause(event);
      if (command != null && state.phase().open()) {
        List<SweepEvent> again = decider.decide(state, command, now);
        List<SweepEvent> then = events.subList(i, Math.min(events.size(), i + again.size()));
        if (!again.equals(then)) {
          throw new AssertionError(id + " decided " + then + " but now " + again);
        }
      }
      state = decider.evolve(state, event);
    }
  }

  /** What came in and made the event; null for those that follow from others. */
  private static SweepCommand cause(SweepEvent event) {
    if (event instanceof SweepEvent.EpochReached reached) {
      return new SweepCommand.ReachEpochs(
          reached.trialId(), reached.cell(), Map.of(reached.epoch(), reached.top1Accuracy()));
    }
    if (event instanceof SweepEvent.TrialEnded ended) {
      return new SweepCommand.EndTrial(
          ended.trialId(),
          ended.outcome(),
          ended.cause(),
          ended.cell(),
          ended.top1(),
          ended.baseTop1());
    }
    return null;
  }
}
