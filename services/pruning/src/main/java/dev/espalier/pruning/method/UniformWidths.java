package dev.espalier.pruning.method;

import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.Alignment;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.plan.PruningPlan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The planner of the controls: the same share s of units is kept in every pool, the best by score.
 * Whole heads and residual channels give way later, of them min(1, 2 s) is kept (why: {@code
 * RATIONALE.md}).
 *
 * <p>Each step between two allowed widths of a pool is due at the share of its middle; steps go
 * from the largest share to the smallest, earlier blocks first, until the budget is met.
 */
public final class UniformWidths {

  private UniformWidths() {}

  /** The plan for one target, see {@link PruningMethod#plan}. */
  public static PruningPlan plan(PlanRequest request) {
    Importance importance = request.importance();
    importance.checkFits(request.base());
    LiveUnits units = new LiveUnits(request.base());
    new BudgetSolver(request.budget(), request.keepRatio())
        .solve(units, steps(units, importance, request.alignment()));
    return units.plan();
  }

  private static List<Chunk> steps(LiveUnits units, Importance importance, int alignment) {
    record Step(Chunk chunk, double dueAt) {}
    List<Step> steps = new ArrayList<>();
    for (Pool pool : units.pools()) {
      int width = pool.width(units.base());
      List<Integer> widths = Alignment.widths(pool.kind(), width, alignment);
      double left = width;
      for (Chunk chunk : Chunk.of(pool, units.units(pool), pool.scores(importance), widths)) {
        double middle = left - chunk.units().size() / 2.0;
        steps.add(new Step(chunk, pace(pool.kind()) * middle / width));
        left -= chunk.units().size();
      }
    }
    return steps.stream()
        .sorted(Comparator.comparingDouble(Step::dueAt).reversed())
        .map(Step::chunk)
        .toList();
  }

  private static double pace(UnitKind kind) {
    return switch (kind) {
      case EMBEDDING, HEAD -> 0.5;
      default -> 1;
    };
  }
}
