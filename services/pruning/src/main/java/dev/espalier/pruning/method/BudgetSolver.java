package dev.espalier.pruning.method;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Removes chunks in a given order until a budget is met.
 *
 * <p>A chunk that would take the cost more than 1 % below the target is passed over, and with it
 * those of its pool that come later; when nothing fits any more and the cost is still more than 1 %
 * above, the smallest step is taken if that comes closer. So the cost ends within max(1 %, half the
 * smallest step) of the target.
 */
public final class BudgetSolver {

  /** How far a plan's cost may be from its target, as a share of the target. */
  public static final double TOLERANCE = 0.01;

  private final TargetKind kind;
  private final double keepRatio;

  /**
   * A solver for one target.
   *
   * @param keepRatio share of the base's cost that is kept, in (0, 1]
   */
  public BudgetSolver(TargetKind kind, double keepRatio) {
    if (!(keepRatio > 0 && keepRatio <= 1)) {
      throw new IllegalArgumentException("keep ratio must be in (0, 1] but is " + keepRatio);
    }
    this.kind = kind;
    this.keepRatio = keepRatio;
  }

  /**
   * Takes chunks out of {@code units}.
   *
   * @param order least worth keeping first; chunks of one pool in the order in which they may go
   * @throws IllegalArgumentException when all chunks together are not enough
   */
  public void solve(LiveUnits units, List<Chunk> order) {
    double target = keepRatio * Cost.of(units.base()).of(kind);
    Set<Pool> closed = new HashSet<>();
    Chunk smallest = null;
    for (Chunk chunk : order) {
      if (cost(units) <= target) {
        return;
      }
      if (closed.contains(chunk.pool())) {
        continue;
      }
      if (costWithout(units, chunk) >= target * (1 - TOLERANCE)) {
        units.remove(chunk.pool(), chunk.units());
      } else {
        closed.add(chunk.pool());
        if (smallest == null || costWithout(units, chunk) > costWithout(units, smallest)) {
          smallest = chunk;
        }
      }
    }
    double above = cost(units) - target;
    if (above <= TOLERANCE * target) {
      return;
    }
    if (smallest == null) {
      throw new IllegalArgumentException(
          "keep ratio of %s must be at least %.3f for this base and alignment but is %s"
              .formatted(
                  kind.text(), cost(units) / (double) Cost.of(units.base()).of(kind), keepRatio));
    }
    if (target - costWithout(units, smallest) < above) {
      units.remove(smallest.pool(), smallest.units());
    }
  }

  private long cost(LiveUnits units) {
    return units.cost().of(kind);
  }

  private long costWithout(LiveUnits units, Chunk chunk) {
    return units.costWithout(chunk.pool(), chunk.units().size()).of(kind);
  }
}
