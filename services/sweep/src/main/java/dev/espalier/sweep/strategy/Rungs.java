package dev.espalier.sweep.strategy;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * The rungs of a sweep, one ladder per target, since a cell that keeps more must not win against
 * one that keeps less. A cell enters a rung that it was admitted to once each of its seeds came to
 * the rung's epochs, or ended.
 *
 * @param halving the rule
 * @param budgets epochs that each rung asks for
 * @param cellsPerTarget how many cells begin on each ladder
 * @param entries in the order in which they were recorded
 * @param admitted highest rung that a cell was promoted to; absent: 0
 */
record Rungs(
    AsynchronousHalving halving,
    List<Integer> budgets,
    int seeds,
    int cellsPerTarget,
    List<RungEntry> entries,
    Map<String, Integer> admitted) {

  static Rungs empty(
      AsynchronousHalving halving, List<Integer> budgets, int seeds, int cellsPerTarget) {
    return new Rungs(halving, budgets, seeds, cellsPerTarget, List.of(), Map.of());
  }

  int admitted(String cellId) {
    return admitted.getOrDefault(cellId, 0);
  }

  /** The rung whose epochs these are, or -1. */
  int rungAt(int epoch) {
    return budgets.indexOf(epoch);
  }

  /** With the cell's entry, if it has come to the end of the rung that it is on. */
  Rungs enter(CellRef cell, Collection<Recovery> repeats) {
    int rung = admitted(cell.cellId());
    boolean there =
        entries.stream()
            .anyMatch(entry -> entry.rung() == rung && entry.cellId().equals(cell.cellId()));
    int budget = budgets.get(rung);
    boolean arrived =
        repeats.size() == seeds
            && repeats.stream().allMatch(r -> r.ended() || r.curve().containsKey(budget));
    if (there || !arrived) {
      return this;
    }
    List<RungEntry> more = new ArrayList<>(entries);
    more.add(new RungEntry(cell.cellId(), cell.target(), rung, mean(repeats, budget)));
    return new Rungs(halving, budgets, seeds, cellsPerTarget, List.copyOf(more), admitted);
  }

  /** A seed that failed spoils the mean; one that somebody cancelled is left out. */
  private static double mean(Collection<Recovery> repeats, int budget) {
    double sum = 0;
    int count = 0;
    for (Recovery repeat : repeats) {
      if (repeat.curve().containsKey(budget)) {
        sum += repeat.curve().get(budget);
        count++;
      } else if (repeat.failed()) {
        return Double.NaN;
      }
    }
    return count == 0 ? Double.NaN : sum / count;
  }

  Rungs promoted(String cellId, int rung) {
    Map<String, Integer> higher = new HashMap<>(admitted);
    higher.merge(cellId, rung, Math::max);
    return new Rungs(halving, budgets, seeds, cellsPerTarget, entries, Map.copyOf(higher));
  }

  /** The next promotion, or the next trial to stop on a rung that no more cells can enter. */
  Optional<Verdict> next(String target, Map<String, Map<String, Recovery>> cells) {
    for (int rung = 0; rung < budgets.size() - 1; rung++) {
      List<RungEntry> here = entries(target, rung);
      boolean closed = closed(target, rung);
      List<RungEntry> ranked = halving.ranked(here);
      for (RungEntry entry : halving.climbing(here, closed)) {
        if (admitted(entry.cellId()) == rung) {
          return Optional.of(
              new Verdict.Promote(
                  entry.cellId(),
                  rung + 1,
                  budgets.get(rung + 1),
                  entry.top1Accuracy(),
                  ranked.indexOf(entry) + 1,
                  ranked.size(),
                  List.copyOf(cells.getOrDefault(entry.cellId(), Map.of()).keySet())));
        }
      }
      if (closed) {
        Optional<Verdict> stop = stop(rung, ranked, cells);
        if (stop.isPresent()) {
          return stop;
        }
      }
    }
    return Optional.empty();
  }

  private Optional<Verdict> stop(
      int rung, List<RungEntry> ranked, Map<String, Map<String, Recovery>> cells) {
    long climbed = ranked.stream().filter(entry -> admitted(entry.cellId()) > rung).count();
    for (RungEntry entry : ranked) {
      if (admitted(entry.cellId()) > rung) {
        continue;
      }
      for (Map.Entry<String, Recovery> trial :
          cells.getOrDefault(entry.cellId(), Map.of()).entrySet()) {
        if (trial.getValue().open()) {
          return Optional.of(
              new Verdict.Stop(
                  trial.getKey(),
                  entry.cellId(),
                  budgets.get(rung),
                  "asha",
                  reason(rung, ranked.indexOf(entry) + 1, entry, ranked.size(), climbed)));
        }
      }
    }
    return Optional.empty();
  }

  private String reason(int rung, int rank, RungEntry entry, int all, long climbed) {
    return String.format(
        Locale.ROOT,
        "its cell is number %d of %d on rung %d (%s after epoch %d, %s), of which the best %d"
            + " trained on",
        rank,
        all,
        rung,
        entry.target(),
        budgets.get(rung),
        Double.isNaN(entry.top1Accuracy())
            ? "no top-1"
            : String.format(Locale.ROOT, "mean top-1 %.4f", entry.top1Accuracy()),
        climbed);
  }

  private List<RungEntry> entries(String target, int rung) {
    return entries.stream()
        .filter(entry -> entry.rung() == rung && entry.target().equals(target))
        .toList();
  }

  /** Whether all have entered that ever will. */
  private boolean closed(String target, int rung) {
    if (rung == 0) {
      return entries(target, 0).size() == cellsPerTarget;
    }
    List<RungEntry> below = entries(target, rung - 1);
    long promoted = below.stream().filter(entry -> admitted(entry.cellId()) >= rung).count();
    boolean more =
        halving.climbing(below, true).stream().anyMatch(e -> admitted(e.cellId()) < rung);
    return closed(target, rung - 1) && !more && entries(target, rung).size() == promoted;
  }
}
