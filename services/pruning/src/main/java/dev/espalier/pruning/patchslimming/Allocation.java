package dev.espalier.pruning.patchslimming;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * How many patches each block may let out for a target ({@code methods/patch-slimming.md} §4,
 * budget mode): the top-down search without training, again and again with another error that is
 * allowed in every block, by bisection of that error's logarithm.
 *
 * <p>It goes measurement by measurement, and remembers them. What it does follows from them alone,
 * so that with its memory it is back where it was at once.
 */
final class Allocation {

  private static final int PASSES = 12;
  private static final double SMALLEST = 1e-6;
  private static final double LARGEST = 100;

  /** Measures with the unpruned weights. */
  interface Measure {
    double[] scores(int block, TokenSets sets);

    double error(int block, TokenSets sets);
  }

  private final VitArchitecture base;
  private final int step;
  private final double target;
  private final Measure measure;
  private final Map<String, double[]> memory;

  private double low = SMALLEST;
  private double high = LARGEST;
  private int pass;
  private int[] best;
  private long bestDistance = Long.MAX_VALUE;

  // Of the running pass.
  private TokenSets sets;
  private int block;
  private double[] scores;
  private int fewest;
  private int most;

  /**
   * A search to come.
   *
   * @param step the paper's r'
   * @param memory of an earlier attempt; grows
   */
  Allocation(
      VitArchitecture base,
      int step,
      double keepRatio,
      Measure measure,
      Map<String, double[]> memory) {
    this.base = base;
    this.step = step;
    this.target = keepRatio * Cost.of(base).macs();
    this.measure = measure;
    this.memory = new LinkedHashMap<>(memory);
    if (Cost.of(TokenSets.all(base).shape()).macs() <= target) {
      best = PatchCounts.all(base); // the last block's patches are enough
      pass = PASSES;
    }
    begin();
  }

  private void begin() {
    sets = TokenSets.all(base);
    block = base.depth() - 2;
    scores = null;
  }

  boolean finished() {
    return pass >= PASSES;
  }

  /** Share of the passes that are done. */
  double progress() {
    return (double) pass / PASSES;
  }

  /** Patches by block that came closest to the target. */
  int[] patches() {
    return best.clone();
  }

  Map<String, double[]> memory() {
    return memory;
  }

  /** The error that the running pass allows. */
  private double tolerance() {
    return Math.exp((Math.log(low) + Math.log(high)) / 2);
  }

  /** One measurement. */
  void advance() {
    if (scores == null) {
      scores = remembered("scores " + behind(), () -> measure.scores(block, sets));
      fewest = 0;
      most = (sets.order(block, scores).size() + step - 1) / step;
    } else if (fewest < most) {
      int middle = (fewest + most) / 2;
      TokenSets candidate = sets.with(block, grown(middle));
      String name = "error " + behind() + " " + candidate.leaving().get(block);
      double[] error = remembered(name, () -> new double[] {measure.error(block, candidate)});
      if (error[0] <= tolerance()) {
        most = middle;
      } else {
        fewest = middle + 1;
      }
    }
    if (fewest == most) {
      sets = sets.with(block, grown(most));
      scores = null;
      block--;
      if (block < 0) {
        judge();
      }
    }
  }

  /** What block l lets out after so many of the paper's steps. */
  private List<Integer> grown(int steps) {
    int patches = Math.min(base.patches(), sets.patches(block + 1) + steps * step);
    return sets.grown(block, scores, patches);
  }

  private double[] remembered(String name, Supplier<double[]> measured) {
    double[] known = memory.get(name);
    if (known == null) {
      known = measured.get();
      memory.put(name, known);
    }
    return known;
  }

  private String behind() {
    return block + " " + sets.leaving().subList(block + 1, base.depth());
  }

  private void judge() {
    int[] patches = new int[base.depth()];
    Arrays.setAll(patches, l -> sets.patches(l));
    long macs = Cost.of(sets.shape()).macs();
    long distance = Math.abs(macs - Math.round(target));
    if (distance < bestDistance) {
      bestDistance = distance;
      best = patches;
    }
    if (macs > target) {
      low = tolerance();
    } else {
      high = tolerance();
    }
    pass = PatchCounts.meets(base, patches, target / Cost.of(base).macs()) ? PASSES : pass + 1;
    begin();
  }
}
