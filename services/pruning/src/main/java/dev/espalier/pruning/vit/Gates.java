package dev.espalier.pruning.vit;

import ai.djl.ndarray.NDArray;
import java.util.List;

/**
 * Multipliers over a model's units. At 1 everywhere the model is unchanged; at 0 a unit contributes
 * nothing, so that a model with 0/1 gates computes what the cut model computes. Gates may be any
 * number and may require a gradient, except {@code keptEmbedding}.
 *
 * <p>Absent gates are null. Letters: d embedding; per block H heads of query/key width q and value
 * width v, MLP width M.
 *
 * @param embedding multiplies the residual stream: the embedded tokens and what each branch adds,
 *     (d)
 * @param keptEmbedding 0 or 1 per channel, (d): layer norms take mean and variance over the kept
 *     channels only and put 0 elsewhere. Without it zeroed channels would still count ({@code
 *     methods/README.md} §5).
 * @param blocks one entry per block, or empty for none
 */
public record Gates(NDArray embedding, NDArray keptEmbedding, List<Block> blocks) {

  /** The model as it is. */
  public static final Gates NONE = new Gates(null, null, List.of());

  public Gates {
    blocks = List.copyOf(blocks);
  }

  /**
   * Gates of one block.
   *
   * @param branches multiplies what attention and MLP add to the residual stream, (2)
   * @param heads multiplies each head's output before the projection, (H)
   * @param qk multiplies the queries, (H, q); with a query channel gone its key partner is idle
   * @param v multiplies the values, (H, v)
   * @param mlp multiplies fc1's output before GELU, (M)
   * @param hidden multiplies fc2's input after GELU, (M)
   * @param attentionReads multiplies norm1's output, (d)
   * @param attentionWrites multiplies the projection's output, (d)
   * @param mlpReads multiplies norm2's output, (d)
   * @param mlpWrites multiplies fc2's output, (d)
   * @param tokens multiplies both norms' output token by token, (T) or (B, T)
   * @param keys 1 for tokens that others attend to, 0 for those that only see themselves, (T) or
   *     (B, T)
   */
  public record Block(
      NDArray branches,
      NDArray heads,
      NDArray qk,
      NDArray v,
      NDArray mlp,
      NDArray hidden,
      NDArray attentionReads,
      NDArray attentionWrites,
      NDArray mlpReads,
      NDArray mlpWrites,
      NDArray tokens,
      NDArray keys) {

    /** The block as it is. */
    public static final Block NONE = new Block(null, null, null, null, null);

    /** Gates on the widths alone. */
    public Block(NDArray branches, NDArray heads, NDArray qk, NDArray v, NDArray mlp) {
      this(branches, heads, qk, v, mlp, null, null, null, null, null, null, null);
    }

    /** The same with gates on the residual channels that the branches read and write. */
    public Block wired(
        NDArray attentionReads, NDArray attentionWrites, NDArray mlpReads, NDArray mlpWrites) {
      return new Block(
          branches,
          heads,
          qk,
          v,
          mlp,
          hidden,
          attentionReads,
          attentionWrites,
          mlpReads,
          mlpWrites,
          tokens,
          keys);
    }

    /** The same with a gate on fc2's input. */
    public Block withHidden(NDArray hidden) {
      return new Block(
          branches,
          heads,
          qk,
          v,
          mlp,
          hidden,
          attentionReads,
          attentionWrites,
          mlpReads,
          mlpWrites,
          tokens,
          keys);
    }

    /** The same with gates on tokens. */
    public Block onTokens(NDArray tokens, NDArray keys) {
      return new Block(
          branches,
          heads,
          qk,
          v,
          mlp,
          hidden,
          attentionReads,
          attentionWrites,
          mlpReads,
          mlpWrites,
          tokens,
          keys);
    }
  }

  /** Gates of that block. */
  public Block block(int index) {
    return blocks.isEmpty() ? Block.NONE : blocks.get(index);
  }

  /** Whether there is no gate at all. */
  public boolean isNone() {
    return embedding == null
        && keptEmbedding == null
        && blocks.stream().allMatch(Block.NONE::equals);
  }
}
