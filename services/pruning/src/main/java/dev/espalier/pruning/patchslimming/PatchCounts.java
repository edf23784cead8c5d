package dev.espalier.pruning.patchslimming;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.method.BudgetSolver;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;

/**
 * How many patches each block lets out for a cost. Counts move on a path: first the last block's
 * patches go, which nobody reads; then all blocks go from all patches to the wanted counts, evenly,
 * and on from there to none.
 */
final class PatchCounts {

  private record Due(double at, int block, int to) {}

  private PatchCounts() {}

  /**
   * The counts on the path of {@code wanted} that come closest to the target.
   *
   * @param wanted patches by block, not growing; the last block's is not looked at
   * @throws IllegalArgumentException where the target lies below the end of the path
   */
  static int[] solve(VitArchitecture base, int[] wanted, double keepRatio, int alignment) {
    int last = base.depth() - 1;
    int n = base.patches();
    List<Due> dues = new ArrayList<>();
    for (int patches = n - 1; patches >= 0; patches--) {
      dues.add(new Due(-(patches + 1.0) / n, last, patches));
    }
    for (int l = 0; l < last; l++) {
      for (int patches = (n - 1) / alignment * alignment; patches >= 0; patches -= alignment) {
        double at =
            patches >= wanted[l]
                ? (double) (n - patches) / (n - wanted[l])
                : 1 + (double) (wanted[l] - patches) / wanted[l];
        dues.add(new Due(at, l, patches));
      }
    }
    dues.sort(
        Comparator.comparingDouble(Due::at)
            .thenComparing(Comparator.comparingInt(Due::block).reversed())
            .thenComparing(Comparator.comparingInt(Due::to).reversed()));
    int[] counts = all(base);
    int[] from = counts.clone();
    List<BudgetSolver.Step> steps = new ArrayList<>();
    for (Due due : dues) {
      int before = from[due.block()];
      from[due.block()] = due.to();
      steps.add(
          new BudgetSolver.Step(
              "patches", () -> counts[due.block()] = due.to(), () -> counts[due.block()] = before));
    }
    new BudgetSolver(TargetKind.MACS, keepRatio)
        .solve(Cost.of(base), () -> cost(base, counts), steps);
    return counts;
  }

  /** All patches in all blocks. */
  static int[] all(VitArchitecture base) {
    return Collections.nCopies(base.depth(), base.patches()).stream()
        .mapToInt(Integer::intValue)
        .toArray();
  }

  /** Cost with those counts, whichever patches they are. */
  static Cost cost(VitArchitecture base, int[] patches) {
    return Cost.of(TokenSets.first(base, patches).shape());
  }

  /** Whether a cost is as close to the target as a plan's must be. */
  static boolean meets(VitArchitecture base, int[] patches, double keepRatio) {
    double target = keepRatio * Cost.of(base).macs();
    return Math.abs(cost(base, patches).macs() - target) <= BudgetSolver.TOLERANCE * target;
  }
}
