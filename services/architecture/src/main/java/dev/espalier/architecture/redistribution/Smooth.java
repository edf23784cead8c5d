package dev.espalier.architecture.redistribution;

import dev.espalier.architecture.cost.Budget;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.plan.PruningPlan;
import java.util.ArrayList;
import java.util.List;

/**
 * Smooths what pruning left ({@code methods/nvit.md} §5, third step of NViT's pipeline): heads,
 * query/key widths and MLPs take one value at both ends and one in the middle, the medians there;
 * values take their mean; all MLPs are then scaled by one factor to the budget. The first and the
 * last block keep their own heads and query/key width where those are larger.
 */
public final class Smooth implements Redistribution {

  @Override
  public String name() {
    return "smooth";
  }

  @Override
  public int version() {
    return 1;
  }

  @Override
  public String title() {
    return "Smooth the pruned widths: one value at both ends, one in the middle";
  }

  @Override
  public PruningPlan redistribute(
      PruningPlan pruned, Importance importance, Budget budget, int alignment) {
    EqualBudget equal = new EqualBudget(pruned, importance, budget, alignment);
    return equal.fit(widths(equal.widths(), alignment, alignment));
  }

  /**
   * Smoothed widths before they are scaled to a budget.
   *
   * @param pruned widths that pruning left, first block to last
   * @param channelChunk query/key and value widths become multiples of it, half up
   * @param mlpChunk MLP widths become multiples of it, half up
   */
  static List<BlockWidths> widths(List<BlockWidths> pruned, int channelChunk, int mlpChunk) {
    int depth = pruned.size();
    int v =
        LessMoreLess.round(
            pruned.stream().mapToInt(BlockWidths::v).average().orElseThrow(), channelChunk);
    List<BlockWidths> smoothed = new ArrayList<>();
    for (int l = 0; l < depth; l++) {
      boolean end = LessMoreLess.isEnd(l, depth);
      double heads = LessMoreLess.median(pruned, end, BlockWidths::heads);
      double qk = LessMoreLess.median(pruned, end, BlockWidths::qk);
      if (end && (l == 0 || l == depth - 1)) {
        heads = Math.max(heads, pruned.get(l).heads());
        qk = Math.max(qk, pruned.get(l).qk());
      }
      smoothed.add(
          new BlockWidths(
              LessMoreLess.round(heads, 1),
              LessMoreLess.round(qk, channelChunk),
              v,
              LessMoreLess.round(LessMoreLess.median(pruned, end, BlockWidths::mlp), mlpChunk)));
    }
    return smoothed;
  }
}
