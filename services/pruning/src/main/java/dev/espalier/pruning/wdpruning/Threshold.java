package dev.espalier.pruning.wdpruning;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** From a threshold to the units that are kept ({@code methods/wdpruning.md} §2). */
final class Threshold {

  private Threshold() {}

  /** Share that is kept, kappa = sigmoid(beta). */
  static double keptShare(double beta) {
    return 1 / (1 + Math.exp(-beta));
  }

  /** The beta that keeps that share. */
  static double of(double kappa) {
    return Math.log(kappa) - Math.log1p(-kappa);
  }

  /**
   * How many of n units are kept: {@code ceil(kappa n)}, to the nearest multiple of {@code roundTo}
   * where n is one, half a step going up; at least one step, at most n.
   *
   * @param roundTo 1 for no rounding, as for heads
   */
  static int kept(double kappa, int n, int roundTo) {
    int kept = Math.max(1, Math.min(n, (int) Math.ceil(kappa * n)));
    if (roundTo == 1 || n % roundTo != 0) {
      return kept;
    }
    int rounded = (kept + roundTo / 2) / roundTo * roundTo;
    return Math.max(roundTo, Math.min(n, rounded));
  }

  /** The units of the highest scores, ascending; of equal scores the lower index. */
  static List<Integer> best(float[] scores, int kept) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, scores.length).boxed().toList());
    order.sort(
        Comparator.comparingDouble((Integer unit) -> -scores[unit])
            .thenComparingInt(Integer::intValue));
    return order.subList(0, kept).stream().sorted().toList();
  }
}
