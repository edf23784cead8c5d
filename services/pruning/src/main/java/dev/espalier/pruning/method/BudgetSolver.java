package dev.espalier.pruning.method;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Removes chunks in a given order until a budget is met.
 *
 * <p>A chunk that would take the cost more than 1 % below the target is passed over, and with it
 * those of its pool that come later. When that ends more than 1 % off, single chunks are removed,
 * put back or exchanged as long as that comes closer. So the cost ends within max(1 %, half the
 * smallest step that is left) of the target.
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
    Map<Pool, Steps> steps = new LinkedHashMap<>();
    order.forEach(
        chunk -> steps.computeIfAbsent(chunk.pool(), pool -> new Steps()).chunks.add(chunk));
    Set<Pool> closed = new HashSet<>();
    for (Chunk chunk : order) {
      if (cost(units) <= target) {
        break;
      }
      long after = units.costWithout(chunk.pool(), chunk.units().size()).of(kind);
      if (after < target * (1 - TOLERANCE)) {
        closed.add(chunk.pool());
      } else if (!closed.contains(chunk.pool())) {
        steps.get(chunk.pool()).take(units);
      }
    }
    while (error(units, target) > TOLERANCE * target) {
      if (!comeCloser(units, List.copyOf(steps.values()), target)) {
        break;
      }
    }
    requireMet(units, steps, target);
  }

  /**
   * Makes the one move, or pair of moves, that comes closest to the target, if any comes closer.
   */
  private boolean comeCloser(LiveUnits units, List<Steps> steps, double target) {
    List<Runnable> moves = new ArrayList<>();
    List<Runnable> undoes = new ArrayList<>();
    for (Steps pool : steps) {
      if (pool.canTake()) {
        moves.add(() -> pool.take(units));
        undoes.add(() -> pool.putBack(units));
      }
      if (pool.taken > 0) {
        moves.add(() -> pool.putBack(units));
        undoes.add(() -> pool.take(units));
      }
    }
    double best = error(units, target);
    List<Runnable> bestMoves = List.of();
    for (int a = 0; a < moves.size(); a++) {
      moves.get(a).run();
      if (error(units, target) < best) {
        best = error(units, target);
        bestMoves = List.of(moves.get(a));
      }
      undoes.get(a).run();
    }
    if (best > TOLERANCE * target) {
      for (int a = 0; a < moves.size(); a++) {
        moves.get(a).run();
        for (int b = a + 1; b < moves.size(); b++) {
          moves.get(b).run();
          if (error(units, target) < best) {
            best = error(units, target);
            bestMoves = List.of(moves.get(a), moves.get(b));
          }
          undoes.get(b).run();
        }
        undoes.get(a).run();
      }
    }
    bestMoves.forEach(Runnable::run);
    return !bestMoves.isEmpty();
  }

  private void requireMet(LiveUnits units, Map<Pool, Steps> steps, double target) {
    boolean canGoOn = steps.values().stream().anyMatch(Steps::canTake);
    if (cost(units) > target * (1 + TOLERANCE) && !canGoOn) {
      throw new IllegalArgumentException(
          "keep ratio of %s must be at least %.3f for this base and alignment but is %s"
              .formatted(
                  kind.text(), cost(units) / (double) Cost.of(units.base()).of(kind), keepRatio));
    }
  }

  private double error(LiveUnits units, double target) {
    return Math.abs(cost(units) - target);
  }

  private long cost(LiveUnits units) {
    return units.cost().of(kind);
  }

  /** The chunks of one pool, of which the first {@code taken} are out. */
  private static final class Steps {
    private final List<Chunk> chunks = new ArrayList<>();
    private int taken;

    boolean canTake() {
      return taken < chunks.size();
    }

    void take(LiveUnits units) {
      Chunk chunk = chunks.get(taken++);
      units.remove(chunk.pool(), chunk.units());
    }

    void putBack(LiveUnits units) {
      Chunk chunk = chunks.get(--taken);
      units.revive(chunk.pool(), chunk.units());
    }
  }
}
