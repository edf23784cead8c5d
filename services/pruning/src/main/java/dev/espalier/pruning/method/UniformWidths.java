package dev.espalier.pruning.method;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.Alignment;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * The planner of the controls: the same share of units is kept in every pool, the best by score
 * (why: {@code RATIONALE.md}).
 *
 * <p>Each step between two allowed widths of a pool has a share, that of its middle; steps go from
 * the largest share to the smallest, earlier blocks first, until the budget is met.
 */
public final class UniformWidths {

  /**
   * Kinds in the order in which they give way; the next begins when the one before is at its end.
   */
  private static final List<Set<UnitKind>> TIERS =
      List.of(
          EnumSet.of(UnitKind.HEAD, UnitKind.QK, UnitKind.V, UnitKind.MLP),
          EnumSet.of(UnitKind.EMBEDDING));

  private UniformWidths() {}

  /** The plan for one target, see {@link PruningMethod#plan}. */
  public static PruningPlan plan(
      VitArchitecture base,
      Importance importance,
      TargetKind targetKind,
      double keepRatio,
      int alignment) {
    importance.checkFits(base);
    LiveUnits units = new LiveUnits(base);
    List<Chunk> order = new ArrayList<>();
    for (Set<UnitKind> tier : TIERS) {
      order.addAll(steps(units, importance, alignment, tier));
    }
    new BudgetSolver(targetKind, keepRatio).solve(units, order);
    return units.plan();
  }

  private static List<Chunk> steps(
      LiveUnits units, Importance importance, int alignment, Set<UnitKind> kinds) {
    record Step(Chunk chunk, double share) {}
    List<Step> steps = new ArrayList<>();
    for (Pool pool : units.pools()) {
      if (!kinds.contains(pool.kind())) {
        continue;
      }
      int width = pool.width(units.base());
      List<Integer> widths = Alignment.widths(pool.kind(), width, alignment);
      double left = width;
      for (Chunk chunk : Chunk.of(pool, units.units(pool), pool.scores(importance), widths)) {
        double middle = left - chunk.units().size() / 2.0;
        steps.add(new Step(chunk, middle / width));
        left -= chunk.units().size();
      }
    }
    return steps.stream()
        .sorted(Comparator.comparingDouble(Step::share).reversed())
        .map(Step::chunk)
        .toList();
  }
}
