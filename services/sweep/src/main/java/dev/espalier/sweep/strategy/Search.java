package dev.espalier.sweep.strategy;

import dev.espalier.sweep.spec.Strategy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/**
 * How far a sweep's search is, as the events of its stream tell it: a value that only events
 * change, so that a replay, or another scheduler, decides the same.
 *
 * @param cells what is known of each cell's trials
 * @param rungs null without asha
 * @param bisection null without bisection
 * @param base top-1 accuracy of the base; NaN while it is not known
 */
public record Search(
    SearchRules rules,
    Map<String, Map<String, Recovery>> cells,
    Rungs rungs,
    Bisection bisection,
    double base) {

  /** Some trials to plan, as places in the full plan. */
  public record Chunk(List<Integer> places, boolean last) {
    public Chunk {
      places = List.copyOf(places);
    }
  }

  /**
   * The search of a sweep that was just accepted.
   *
   * @param cells of the sweep
   */
  public static Search of(String canonicalSpecJson, int cells) {
    return of(SearchRules.of(canonicalSpecJson), cells);
  }

  /** The search by these rules, before anything happened. */
  public static Search of(SearchRules rules, int cells) {
    Rungs rungs = null;
    if (rules.strategy() instanceof Strategy.Halving halving) {
      int targets = Math.max(1, rules.ratios().size());
      rungs =
          Rungs.empty(
              new AsynchronousHalving(halving.eta()),
              rules.budgets(),
              rules.seeds(),
              cells / targets);
    }
    Bisection bisection =
        rules.strategy() instanceof Strategy.Bisection given
            ? Bisection.over(rules.candidates(), given.maxLoss(), rules.seeds())
            : null;
    return new Search(rules, Map.of(), rungs, bisection, Double.NaN);
  }

  // ---- which trials ----

  /**
   * A chunk of trials.
   *
   * @param total trials of the full plan, whose order is method, policy, target, seed
   * @param size most trials of a chunk that needs no result of others
   * @return empty for a chunk that was not decided yet
   */
  public Optional<Chunk> chunk(int number, int total, int size) {
    if (bisection != null) {
      if (number == 0) {
        return Optional.of(new Chunk(bisection.first(total), false));
      }
      return number < bisection.chunks().size()
          ? Optional.of(new Chunk(bisection.chunks().get(number), false))
          : Optional.empty();
    }
    List<Integer> order = order(total);
    int from = Math.min(order.size(), number * size);
    int to = Math.min(order.size(), from + size);
    return Optional.of(new Chunk(order.subList(from, to), to == order.size()));
  }

  private List<Integer> order(int total) {
    List<Integer> order = new ArrayList<>();
    if (rules.strategy() instanceof Strategy.Random random) {
      List<Integer> all = new ArrayList<>();
      for (int cell = 0; cell < total / rules.seeds(); cell++) {
        all.add(cell);
      }
      Collections.shuffle(all, new Random(random.seed()));
      for (int cell : all.subList(0, Math.min(all.size(), random.samples()))) {
        for (int seed = 0; seed < rules.seeds(); seed++) {
          order.add(cell * rules.seeds() + seed);
        }
      }
      return order;
    }
    for (int place = 0; place < total; place++) {
      order.add(place);
    }
    return order;
  }

  /**
   * Whether no more trials will be planned.
   *
   * @param lastChunk whether the last chunk of a plan that needs no results is known
   * @param ended trials that ended
   * @param accepted trials that the sweep was accepted with
   */
  public boolean complete(boolean lastChunk, int ended, int accepted) {
    return bisection == null
        ? lastChunk && ended == accepted
        : bisection.done() && ended == bisection.trials().size();
  }

  // ---- what happened ----

  /** With a chunk of trials planned. */
  public Search planned(int chunk, List<String> trialIds) {
    return bisection == null
        ? this
        : new Search(rules, cells, rungs, bisection.planned(chunk, trialIds), base);
  }

  public Search reached(String trialId, CellRef cell, int epoch, double top1Accuracy) {
    return with(trialId, recovery(trialId, cell).at(epoch, top1Accuracy));
  }

  /**
   * @param failed whether the trial has no result through a fault of its own
   * @param baseTop1Accuracy NaN where it was not measured
   */
  public Search ended(String trialId, CellRef cell, boolean failed, double baseTop1Accuracy) {
    if (!rules.watchesEpochs()) {
      return this;
    }
    Search after = with(trialId, recovery(trialId, cell).end(failed));
    return Double.isNaN(base) && !Double.isNaN(baseTop1Accuracy)
        ? new Search(rules, after.cells, after.rungs, bisection, baseTop1Accuracy)
        : after;
  }

  public Search promoted(String cellId, int rung) {
    if (rungs == null) {
      return this;
    }
    Rungs higher = rungs.promoted(cellId, rung);
    Map<String, Recovery> repeats = cells.getOrDefault(cellId, Map.of());
    if (!repeats.isEmpty()) {
      higher = higher.enter(repeats.values().iterator().next().cell(), repeats.values());
    }
    return new Search(rules, cells, higher, bisection, base);
  }

  public Search stopped(String trialId, String cellId) {
    Recovery known = cells.getOrDefault(cellId, Map.of()).get(trialId);
    return known == null ? this : with(trialId, known.stop());
  }

  /** With the base's accuracy known. */
  Search withBase(double top1Accuracy) {
    return new Search(rules, cells, rungs, bisection, top1Accuracy);
  }

  public Search stepped(Bisection.Step step) {
    return bisection == null
        ? this
        : new Search(rules, cells, rungs, bisection.stepped(step), base);
  }

  private Recovery recovery(String trialId, CellRef cell) {
    Recovery known = cells.getOrDefault(cell.cellId(), Map.of()).get(trialId);
    return known == null ? Recovery.of(cell) : known;
  }

  private Search with(String trialId, Recovery recovery) {
    String cellId = recovery.cell().cellId();
    Map<String, Recovery> repeats = new LinkedHashMap<>(cells.getOrDefault(cellId, Map.of()));
    repeats.put(trialId, recovery);
    Map<String, Map<String, Recovery>> all = new HashMap<>(cells);
    all.put(cellId, Collections.unmodifiableMap(repeats));
    return new Search(
        rules,
        Collections.unmodifiableMap(all),
        rungs == null ? null : rungs.enter(recovery.cell(), repeats.values()),
        bisection,
        base);
  }

  // ---- what follows ----

  /** Whether the epoch of this trial is news that the sweep's history keeps. */
  public boolean asksFor(String trialId, CellRef cell, int epoch) {
    Recovery known = cells.getOrDefault(cell.cellId(), Map.of()).get(trialId);
    return rules.keeps(epoch)
        && (known == null || known.open() && !known.curve().containsKey(epoch));
  }

  /** Whether a trial that came to this epoch must wait until its cell is promoted. */
  public boolean awaitsPromotion(String trialId, CellRef cell, int epoch) {
    if (rungs == null || !recovery(trialId, cell).open()) {
      return false;
    }
    int rung = rungs.rungAt(epoch);
    return rung >= 0 && rung < rungs.budgets().size() - 1 && rungs.admitted(cell.cellId()) <= rung;
  }

  /** Rung whose epochs these are, or -1. */
  public int rungAt(int epoch) {
    return rungs == null ? -1 : rungs.rungAt(epoch);
  }

  /** What the rungs of this target decide next; each verdict is to be taken before asking again. */
  public Optional<Verdict> next(String target) {
    return rungs == null ? Optional.empty() : rungs.next(target, cells);
  }

  /** What the stopping rule says to a trial that just came to an epoch. */
  public Optional<Verdict> judge(String trialId, CellRef cell, int epoch) {
    Recovery recovery = recovery(trialId, cell);
    Double top1 = recovery.curve().get(epoch);
    if (top1 == null || !recovery.open()) {
      return Optional.empty();
    }
    List<Double> others = new ArrayList<>();
    cells
        .values()
        .forEach(
            repeats ->
                repeats.forEach(
                    (other, known) -> {
                      boolean peer = !other.equals(trialId) && known.cell().peerOf(cell);
                      if (peer && known.curve().containsKey(epoch)) {
                        others.add(known.curve().get(epoch));
                      }
                    }));
    return new StoppingJudge(rules.stop(), rules.epochs())
        .judge(epoch, top1, others, base)
        .map(
            reason -> new Verdict.Stop(trialId, cell.cellId(), epoch, rules.stop().name(), reason));
  }

  /** What the end of a trial means for a bisection. */
  public Optional<Bisection.Step> step(
      String trialId, double top1Accuracy, double baseTop1Accuracy) {
    return bisection == null
        ? Optional.empty()
        : bisection.step(trialId, top1Accuracy, baseTop1Accuracy);
  }

  /** Number of the chunk that a step asked for; the steps so far say how many there are. */
  public int chunks() {
    return bisection == null ? 0 : bisection.chunks().size();
  }
}
