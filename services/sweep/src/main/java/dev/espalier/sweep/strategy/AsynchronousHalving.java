package dev.espalier.sweep.strategy;

import static java.util.Comparator.comparing;
import static java.util.Comparator.comparingDouble;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Asynchronous successive halving (Li et al., MLSys 2020): a cell may climb as soon as it is among
 * the best 1/eta of the entries that its rung has so far.
 *
 * <p>Entries are read in the order in which they were recorded, ties go to the earlier entry and
 * NaN ranks last and never climbs, so that replaying the same events promotes the same cells. When
 * no more entries can come at least one cell climbs, so that a small sweep has a result.
 *
 * @param eta at least 2
 */
public record AsynchronousHalving(int eta) {

  private static final Comparator<RungEntry> BEST_FIRST =
      comparing((RungEntry entry) -> Double.isNaN(entry.top1Accuracy()))
          .thenComparing(comparingDouble(RungEntry::top1Accuracy).reversed());

  /** Best first. */
  public List<RungEntry> ranked(List<RungEntry> entries) {
    List<RungEntry> ranked = new ArrayList<>(entries);
    ranked.sort(BEST_FIRST); // stable: ties stay in the order of arrival
    return ranked;
  }

  /**
   * Those that may climb.
   *
   * @param closed whether no more entries can come
   */
  public List<RungEntry> climbing(List<RungEntry> entries, boolean closed) {
    int quota = Math.max(closed ? 1 : 0, entries.size() / eta);
    return ranked(entries).stream()
        .limit(quota)
        .filter(entry -> !Double.isNaN(entry.top1Accuracy()))
        .toList();
  }

  /**
   * Epochs that each rung asks for: {@code minEpochs * eta^k}, and at last {@code maxEpochs}.
   *
   * @param maxEpochs more than minEpochs
   */
  public List<Integer> budgets(int minEpochs, int maxEpochs) {
    List<Integer> budgets = new ArrayList<>();
    for (long epochs = minEpochs; epochs < maxEpochs; epochs *= eta) {
      budgets.add((int) epochs);
    }
    budgets.add(maxEpochs);
    return budgets;
  }
}
