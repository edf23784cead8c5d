package dev.espalier.pruning.depth;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.method.BudgetSolver;
import dev.espalier.pruning.method.OneShotSearch;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Controls for depth: as few whole blocks go as bring the cost down to the target, the last ones or
 * some at even distances. A plan is up to one block below its target.
 */
public final class DroppedBlocks implements PruningMethod {

  private final MethodDescriptor descriptor;
  private final boolean even;

  private DroppedBlocks(MethodDescriptor descriptor, boolean even) {
    this.descriptor = descriptor;
    this.even = even;
  }

  /** Drops the last blocks. */
  public static DroppedBlocks last() {
    return new DroppedBlocks(Methods.DEPTH_LAST, false);
  }

  /** Drops block floor((i + 1/2) L / k) for i = 0 .. k - 1 of L blocks. */
  public static DroppedBlocks evenly() {
    return new DroppedBlocks(Methods.DEPTH_EVEN, true);
  }

  @Override
  public MethodDescriptor descriptor() {
    return descriptor;
  }

  @Override
  public Search search(SearchRequest request) {
    return new OneShotSearch(() -> Importance.none(request.base().architecture()));
  }

  @Override
  public PruningPlan plan(PlanRequest request) {
    VitArchitecture base = request.base();
    long whole = Cost.of(base).of(request.targetKind());
    double most = request.keepRatio() * whole * (1 + BudgetSolver.TOLERANCE);
    for (int dropped = 0; dropped < base.depth(); dropped++) {
      if (dropped > 0 && (base.depth() - dropped) % request.alignment() != 0) {
        continue;
      }
      PruningPlan plan = without(base, blocks(base.depth(), dropped));
      if (plan.cost().of(request.targetKind()) <= most) {
        return plan;
      }
    }
    long one =
        without(base, blocks(base.depth(), base.depth() - 1)).cost().of(request.targetKind());
    throw new IllegalArgumentException(
        "keep ratio of %s must be at least %.3f, one block of this base, but is %s"
            .formatted(request.targetKind().text(), one / (double) whole, request.keepRatio()));
  }

  /** Which of {@code depth} blocks go. */
  Set<Integer> blocks(int depth, int dropped) {
    Set<Integer> blocks = new TreeSet<>();
    for (int i = 0; i < dropped; i++) {
      blocks.add(even ? (2 * i + 1) * depth / (2 * dropped) : depth - 1 - i);
    }
    return blocks;
  }

  private static PruningPlan without(VitArchitecture base, Set<Integer> dropped) {
    PruningPlan whole = PruningPlan.identity(base);
    List<BlockPlan> blocks = new ArrayList<>(whole.blocks());
    dropped.forEach(l -> blocks.set(l, BlockPlan.REMOVED));
    return new PruningPlan(base, whole.embedding(), blocks);
  }
}
