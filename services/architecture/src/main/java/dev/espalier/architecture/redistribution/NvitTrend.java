package dev.espalier.architecture.redistribution;

import dev.espalier.architecture.cost.Budget;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.List;

/**
 * The dimension rule of NViT (ReViT; {@code methods/nvit.md} §5): less attention, more MLP, and
 * middle blocks larger than both ends. Models with the heads of DeiT, 64 wide, follow the published
 * numbers; others follow the same rule relative to their own sizes. MLPs are then scaled by one
 * factor to the budget of the pruned plan, and nothing grows beyond the base.
 */
public final class NvitTrend implements Redistribution {

  /** Below it the published rule gives no head at all. */
  private static final int NARROWEST = 100;

  private static final int DEIT_HEAD = 64;

  @Override
  public String name() {
    return "nvit-trend";
  }

  @Override
  public int version() {
    return 1;
  }

  @Override
  public String title() {
    return "NViT's dimension rule: less attention, more MLP, larger middle blocks";
  }

  @Override
  public PruningPlan redistribute(
      PruningPlan pruned, Importance importance, Budget budget, int alignment) {
    EqualBudget equal = new EqualBudget(pruned, importance, budget, alignment);
    VitArchitecture base = pruned.base();
    int embedding = pruned.embedding().size();
    int depth = equal.widths().size();
    if (base.scaleWidth() == DEIT_HEAD && embedding >= NARROWEST) {
      return equal.fit(published(embedding, depth));
    }
    double scale = (double) embedding / base.embedding();
    List<BlockWidths> widths = new ArrayList<>();
    for (int l = 0; l < depth; l++) {
      BlockWidths block = equal.baseWidths().get(l);
      widths.add(
          relative(
              block.heads() * scale,
              block.qk() * scale,
              block.v(),
              block.mlp() * scale,
              LessMoreLess.isEnd(l, depth)));
    }
    return equal.fit(widths);
  }

  /**
   * The published rule for an embedding width, with the code's exception for the first and the last
   * block. It rounds first and doubles afterwards.
   */
  static List<BlockWidths> published(int embedding, int depth) {
    List<BlockWidths> widths = new ArrayList<>();
    for (int l = 0; l < depth; l++) {
      boolean outermost = l == 0 || l == depth - 1;
      int eps = LessMoreLess.isEnd(l, depth) ? 1 : 2;
      int heads = outermost ? 10 : eps * 2 * (int) Math.round(embedding / 200.0);
      int qk = (outermost ? 2 : eps) * 8 * (int) Math.round(embedding / 160.0);
      widths.add(new BlockWidths(heads, qk, DEIT_HEAD, 3 * eps * embedding));
    }
    return widths;
  }

  /**
   * The rule relative to a block of heads {@code heads}, widths {@code qk} and {@code v}, and
   * {@code mlp} hidden units, which may be fractions when the embedding was pruned.
   */
  static BlockWidths relative(double heads, double qk, int v, double mlp, boolean end) {
    return new BlockWidths(
        (int) Math.max(1, Math.round(heads * (end ? 2 : 4) / 3)),
        (int) Math.max(8, Math.round(qk * (end ? 1 : 2) / 4)),
        v,
        (int) Math.round(mlp * (end ? 3 : 6) / 4));
  }
}
