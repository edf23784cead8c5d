package dev.espalier.architecture.plan;

import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.Wiring;
import java.util.List;

/**
 * What is kept of one encoder block.
 *
 * @param kept false removes the whole block; {@code heads} and {@code mlp} are then empty
 * @param attention what mixes tokens afterwards
 * @param heads kept heads, ascending by index; empty unless {@code attention} is MSA
 * @param mlp kept hidden units of the MLP, ascending
 * @param wiring residual channels of the base that the branches read and write
 * @param tokens tokens that the block works on
 */
public record BlockPlan(
    boolean kept,
    AttentionKind attention,
    List<HeadPlan> heads,
    List<Integer> mlp,
    Wiring wiring,
    TokenRule tokens) {

  /** A block that is removed. */
  public static final BlockPlan REMOVED =
      new BlockPlan(false, AttentionKind.MSA, List.of(), List.of());

  public BlockPlan {
    heads = List.copyOf(heads);
    mlp = List.copyOf(mlp);
  }

  /** A plan of widths: wiring and tokens stay. */
  public BlockPlan(boolean kept, AttentionKind attention, List<HeadPlan> heads, List<Integer> mlp) {
    this(kept, attention, heads, mlp, Wiring.ALL, TokenRule.ALL);
  }

  /** The same block with another wiring. */
  public BlockPlan with(Wiring wiring) {
    return new BlockPlan(kept, attention, heads, mlp, wiring, tokens);
  }

  /** The same block on other tokens. */
  public BlockPlan with(TokenRule tokens) {
    return new BlockPlan(kept, attention, heads, mlp, wiring, tokens);
  }

  /** A kept block with attention. */
  public static BlockPlan msa(List<HeadPlan> heads, List<Integer> mlp) {
    return new BlockPlan(true, AttentionKind.MSA, heads, mlp);
  }

  /**
   * A kept block whose heads all keep the same channels, as NViT wants them for one batched matrix
   * product.
   */
  public static BlockPlan aligned(
      List<Integer> heads, List<Integer> qk, List<Integer> v, List<Integer> mlp) {
    return msa(heads.stream().map(head -> new HeadPlan(head, qk, v)).toList(), mlp);
  }

  /** Indices of the kept heads, ascending. */
  public List<Integer> headIndices() {
    return heads.stream().map(HeadPlan::head).toList();
  }

  /** Query/key width after the cut: the widest kept head's; narrower heads are padded. */
  public int qkWidth() {
    return heads.stream().mapToInt(head -> head.qk().size()).max().orElse(0);
  }

  /** Value width after the cut: the widest kept head's; narrower heads are padded. */
  public int vWidth() {
    return heads.stream().mapToInt(head -> head.v().size()).max().orElse(0);
  }
}
