package dev.espalier.pruning.dynamicvit;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.TokenStages;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Where patches are dropped and how many stay ({@code methods/dynamicvit.md} §1, §7): {@code
 * floor(N rho^s)} of N behind stage s = 1, 2, ..
 *
 * @param blocks with a predictor in front, ascending
 * @param rho keep rate of one stage
 * @param patches kept behind each stage
 */
record Stages(List<Integer> blocks, double rho, List<Integer> patches) {

  private static final double TOLERANCE = 0.01;

  /** {@link TokenStages#places}, of which there must be one. */
  static List<Integer> places(int depth, int stages) {
    List<Integer> places = TokenStages.places(depth, stages);
    if (places.isEmpty()) {
      throw new IllegalArgumentException(
          "dynamicvit needs a base of at least 2 blocks but it has " + depth);
    }
    return places;
  }

  /**
   * Solves the keep rate from the target, predictors included; where one patch is worth more than 1
   * %, single counts move as long as that comes closer.
   *
   * @param step kept patches are multiples of it where there are that many
   * @throws IllegalArgumentException where the target cannot be met or is no target of this method
   */
  static Stages solve(
      VitArchitecture base, List<Integer> blocks, TargetKind kind, double keepRatio, int step) {
    check(base, kind, keepRatio);
    double target = keepRatio * Cost.of(base).macs();
    double low = 0;
    double high = 1;
    for (int i = 0; i < 60; i++) {
      double middle = (low + high) / 2;
      if (macs(base, blocks, patches(base.patches(), middle, blocks.size(), step)) <= target) {
        low = middle;
      } else {
        high = middle;
      }
    }
    List<Integer> below = patches(base.patches(), low, blocks.size(), step);
    List<Integer> above = patches(base.patches(), high, blocks.size(), step);
    boolean up = error(base, blocks, above, target) < error(base, blocks, below, target);
    List<Integer> counts = closer(base, blocks, up ? above : below, target, step);
    requireMet(base, blocks, keepRatio, step, counts);
    return new Stages(blocks, high, counts);
  }

  private static void check(VitArchitecture base, TargetKind kind, double keepRatio) {
    if (kind != TargetKind.MACS) {
      throw new IllegalArgumentException(
          "dynamicvit removes no parameters: its target must be of macs but is of " + kind.text());
    }
    if (!(keepRatio > 0 && keepRatio <= 1)) {
      throw new IllegalArgumentException("keep ratio must be in (0, 1] but is " + keepRatio);
    }
    for (int l = 0; l < base.depth(); l++) {
      if (!base.blocks().get(l).tokens().equals(TokenRule.ALL)) {
        throw new IllegalArgumentException(
            "dynamicvit needs a base that drops no tokens but block %d has %s"
                .formatted(l, base.blocks().get(l).tokens()));
      }
    }
  }

  private static void requireMet(
      VitArchitecture base, List<Integer> blocks, double keepRatio, int step, List<Integer> found) {
    long whole = Cost.of(base).macs();
    List<Integer> least = patches(base.patches(), 0, blocks.size(), step);
    if (found.equals(least) && macs(base, blocks, found) > keepRatio * whole * (1 + TOLERANCE)) {
      BigDecimal floor =
          BigDecimal.valueOf(macs(base, blocks, found) / (double) whole)
              .setScale(3, RoundingMode.UP);
      throw new IllegalArgumentException(
          "keep ratio of macs must be at least %s with predictors before blocks %s but is %s"
              .formatted(floor.toPlainString(), blocks, keepRatio));
    }
  }

  static List<Integer> patches(int N, double rho, int stages, int step) {
    return TokenStages.patches(N, rho, stages, step);
  }

  private static List<Integer> closer(
      VitArchitecture base, List<Integer> blocks, List<Integer> start, double target, int step) {
    List<Integer> best = start;
    boolean moved = true;
    while (moved && error(base, blocks, best, target) > TOLERANCE * target) {
      moved = false;
      List<Integer> from = best;
      for (int s = 0; s < from.size(); s++) {
        for (int by : new int[] {-step, step}) {
          List<Integer> other = new ArrayList<>(from);
          other.set(s, from.get(s) + by);
          if (nested(base.patches(), other)
              && error(base, blocks, other, target) < error(base, blocks, best, target)) {
            best = other;
            moved = true;
          }
        }
      }
    }
    return best;
  }

  private static boolean nested(int N, List<Integer> patches) {
    int before = N;
    for (int kept : patches) {
      if (kept < 1 || kept > before) {
        return false;
      }
      before = kept;
    }
    return true;
  }

  private static double error(
      VitArchitecture base, List<Integer> blocks, List<Integer> patches, double target) {
    return Math.abs(macs(base, blocks, patches) - target);
  }

  private static long macs(VitArchitecture base, List<Integer> blocks, List<Integer> patches) {
    return Cost.of(TokenStages.shape(base, blocks, patches)).macs();
  }

  /** The base with all its weights and a predictor at each stage. */
  PruningPlan plan(VitArchitecture base) {
    PruningPlan whole = PruningPlan.identity(base);
    List<BlockPlan> plans = new ArrayList<>(whole.blocks());
    for (int s = 0; s < blocks.size(); s++) {
      int l = blocks.get(s);
      plans.set(l, plans.get(l).with(new TokenRule.Select(patches.get(s))));
    }
    return new PruningPlan(base, whole.embedding(), plans);
  }

  /** Share of all patches that each stage should keep, {@code rho^s}. */
  List<Double> keepRates() {
    return IntStream.rangeClosed(1, blocks.size()).mapToObj(s -> StrictMath.pow(rho, s)).toList();
  }
}
