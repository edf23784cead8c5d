package dev.espalier.pruning.method;

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
    List<Step> steps =
        order.stream()
            .map(
                chunk ->
                    new Step(
                        chunk.pool(),
                        () -> units.remove(chunk.pool(), chunk.units()),
                        () -> units.revive(chunk.pool(), chunk.units())))
            .toList();
    solve(Cost.of(units.base()), units::cost, steps);
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
    double target = keepRatio * base.of(kind);
    LongSupplier left = () -> cost.get().of(kind);
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
    requireMet(left, base, steps, target);
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

  private void requireMet(LongSupplier left, Cost base, Map<Object, Steps> steps, double target) {
    boolean canGoOn = steps.values().stream().anyMatch(Steps::canTake);
    if (left.getAsLong() > target * (1 + TOLERANCE) && !canGoOn) {
      throw new IllegalArgumentException(
          "keep ratio of %s must be at least %.3f for this base and alignment but is %s"
              .formatted(kind.text(), left.getAsLong() / (double) base.of(kind), keepRatio));
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
