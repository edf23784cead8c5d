package dev.espalier.architecture.vit;

import java.util.List;

/**
 * Shape of a pre-norm Vision Transformer: all that is needed, beside the weights, to run it. It is
 * what {@code architecture.json} holds.
 *
 * @param imageSize side of the square input, pixels
 * @param patchSize side of a patch, pixels; divides {@code imageSize}
 * @param channels 1 or 3
 * @param classes width of the classifier's output
 * @param prefixTokens 1 for a class token, 2 for class and distillation token (the logits are then
 *     the mean of both classifiers)
 * @param embedding residual width d, shared by all blocks
 * @param scaleWidth head width w that fixes the attention scale w^-0.5; it stays the base model's
 *     whatever is pruned ({@code methods/README.md} §5.3)
 * @param layerNormEpsilon epsilon of every layer norm
 * @param blocks encoder blocks, first to last
 */
public record VitArchitecture(
    int imageSize,
    int patchSize,
    int channels,
    int classes,
    int prefixTokens,
    int embedding,
    int scaleWidth,
    double layerNormEpsilon,
    List<BlockShape> blocks) {

  public VitArchitecture {
    blocks = List.copyOf(blocks);
  }

  /** Patches of one image, N. */
  public int patches() {
    int side = imageSize / patchSize;
    return side * side;
  }

  /** Tokens that enter the first block, N + E. */
  public int tokens() {
    return patches() + prefixTokens;
  }

  /** Length of a flattened patch, P. */
  public int patchVector() {
    return channels * patchSize * patchSize;
  }

  public int depth() {
    return blocks.size();
  }
}
