package dev.espalier.pruning.method;

import dev.espalier.architecture.cost.Budget;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * Removes chunks in a given order until a budget is met.
 *
 * <p>A chunk that would take the cost more than 1 % below the target is passed over, and with it
 * those of its pool that come later. When that ends more than 1 % off, single chunks are removed,
 * put back or exchanged as long as that comes closer. So the cost ends within max(1 %, half the
 * smallest step that is left) of the target.
 *
 * <p>Latency has plateaus, where a chunk more or less costs nothing. There a plan that meets the
 * target takes back what fits below it, the most important first: the next larger plan is above.
 */
public final class BudgetSolver {

  /** How far a plan's cost may be from its target, as a share of the target. */
  public static final double TOLERANCE = 0.01;

  private final TargetKind kind;
  private final Budget budget;
  private final double keepRatio;

  /** A solver for a target that follows from shapes alone. */
  public BudgetSolver(TargetKind kind, double keepRatio) {
    this(Budget.of(kind), keepRatio);
  }

  /**
   * A solver for one target.
   *
   * @param budget what is counted
   * @param keepRatio share of the base's cost that is kept, in (0, 1]
   */
  public BudgetSolver(Budget budget, double keepRatio) {
    if (!(keepRatio > 0 && keepRatio <= 1)) {
      throw new IllegalArgumentException("keep ratio must be in (0, 1] but is " + keepRatio);
    }
    this.kind = budget.kind();
    this.budget = budget;
    this.keepRatio = keepRatio;
  }

  /**
   * Takes chunks out of {@code units}.
   *
   * @param order least worth keeping first; chunks of one pool in the order in which they may go
   * @throws IllegalArgumentException when all chunks together are not enough
   */
  public void solve(LiveUnits units, List<Chunk> order) {
    List<Step> steps =
        order.stream()
            .map(
                chunk ->
                    new Step(
                        chunk.pool(),
                        () -> units.remove(chunk.pool(), chunk.units()),
                        () -> units.revive(chunk.pool(), chunk.units())))
            .toList();
    solve(budget.of(units.base()), () -> units.cost(budget), steps);
  }

  /**
   * A removal that can be undone.
   *
   * @param pool steps of one pool are taken in their order and undone in the opposite one
   */
  public record Step(Object pool, Runnable take, Runnable putBack) {}

  /**
   * Takes steps until the budget is met.
   *
   * @param base cost of the whole model
   * @param cost of what is left
   * @param order least worth keeping first
   * @throws IllegalArgumentException when all steps together are not enough
   */
  public void solve(Cost base, Supplier<Cost> cost, List<Step> order) {
    solve(base.of(kind), () -> cost.get().of(kind), order);
  }

  private void solve(long base, LongSupplier left, List<Step> order) {
    double target = keepRatio * base;
    Map<Object, Steps> steps = new LinkedHashMap<>();
    order.forEach(step -> steps.computeIfAbsent(step.pool(), pool -> new Steps()).steps.add(step));
    Set<Object> closed = new HashSet<>();
    for (Step step : order) {
      if (left.getAsLong() <= target) {
        break;
      }
      Steps pool = steps.get(step.pool());
      if (closed.contains(step.pool())) {
        continue;
      }
      pool.take();
      if (left.getAsLong() < target * (1 - TOLERANCE)) {
        pool.putBack();
        closed.add(step.pool());
      }
    }
    while (error(left, target) > TOLERANCE * target) {
      if (!comeCloser(left, List.copyOf(steps.values()), target)) {
        break;
      }
    }
    if (kind == TargetKind.LATENCY) {
      takeBack(left, order, steps, target);
    }
    requireMet(left, base, steps, target);
  }

  /** Puts back what fits below the target, from the most important step to the least. */
  private static void takeBack(
      LongSupplier left, List<Step> order, Map<Object, Steps> steps, double target) {
    for (int i = order.size() - 1; i >= 0; i--) {
      Steps pool = steps.get(order.get(i).pool());
      if (pool.taken == 0 || pool.steps.get(pool.taken - 1) != order.get(i)) {
        continue;
      }
      pool.putBack();
      if (left.getAsLong() > target) {
        pool.take();
      }
    }
  }

  /**
   * Makes the one move, or pair of moves, that comes closest to the target, if any comes closer.
   */
  private boolean comeCloser(LongSupplier left, List<Steps> steps, double target) {
    List<Runnable> moves = new ArrayList<>();
    List<Runnable> undoes = new ArrayList<>();
    for (Steps pool : steps) {
      if (pool.canTake()) {
        moves.add(pool::take);
        undoes.add(pool::putBack);
      }
      if (pool.taken > 0) {
        moves.add(pool::putBack);
        undoes.add(pool::take);
      }
    }
    double best = error(left, target);
    List<Runnable> bestMoves = List.of();
    for (int a = 0; a < moves.size(); a++) {
      moves.get(a).run();
      if (error(left, target) < best) {
        best = error(left, target);
        bestMoves = List.of(moves.get(a));
      }
      undoes.get(a).run();
    }
    if (best > TOLERANCE * target) {
      for (int a = 0; a < moves.size(); a++) {
        moves.get(a).run();
        for (int b = a + 1; b < moves.size(); b++) {
          moves.get(b).run();
          if (error(left, target) < best) {
            best = error(left, target);
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

  private void requireMet(LongSupplier left, long base, Map<Object, Steps> steps, double target) {
    boolean canGoOn = steps.values().stream().anyMatch(Steps::canTake);
    if (left.getAsLong() > target * (1 + TOLERANCE) && !canGoOn) {
      throw new IllegalArgumentException(
          "keep ratio of %s must be at least %.3f for this base and alignment but is %s"
              .formatted(kind.text(), left.getAsLong() / (double) base, keepRatio));
    }
  }

  private static double error(LongSupplier left, double target) {
    return Math.abs(left.getAsLong() - target);
  }

  /** The steps of one pool, of which the first {@code taken} are out. */
  private static final class Steps {
    private final List<Step> steps = new ArrayList<>();
    private int taken;

    boolean canTake() {
      return taken < steps.size();
    }

    void take() {
      steps.get(taken++).take().run();
    }

    void putBack() {
      steps.get(--taken).putBack().run();
    }
  }
}
