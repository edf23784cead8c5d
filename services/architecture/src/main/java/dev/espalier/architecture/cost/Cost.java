package dev.espalier.architecture.cost;

import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;

/**
 * What a model costs by formula ({@code methods/README.md} §4): one multiply-accumulate counts 1;
 * softmax, layer norm, GELU and biases count nothing.
 *
 * @param params parameters, biases and norms included
 * @param macs multiply-accumulates for one image (the papers' FLOPs)
 */
public record Cost(long params, long macs) {

  /**
   * Cost of a dense model. With d the embedding, T tokens, N patches of P values, E prefix tokens,
   * C classes, and per block H heads of widths q, v and M hidden units. A convolution in place of
   * attention has the bottleneck width e = v (SPViT).
   */
  public static Cost of(VitArchitecture vit) {
    long d = vit.embedding();
    long n = vit.patches();
    long p = vit.patchVector();
    long e = vit.prefixTokens();
    long c = vit.classes();
    long t = vit.tokens();
    long params = p * d + d + e * d + t * d + 2 * d + e * (d * c + c);
    long macs = n * p * d + e * d * c;
    for (BlockShape block : vit.blocks()) {
      long h = block.heads();
      long q = block.qkWidth();
      long v = block.vWidth();
      long m = block.mlpHidden();
      params += 2 * d * m + m + d + 4 * d;
      macs += 2 * t * d * m;
      switch (block.attention()) {
        case MSA -> {
          params += 2 * (d * h * q + h * q) + (d * h * v + h * v) + (h * v * d + d);
          macs += t * d * h * (2 * q + v) + t * t * h * (q + v) + t * h * v * d;
        }
        case CONV3 -> {
          params += 10 * d * v + v + d;
          macs += 10 * d * v * n;
        }
        case CONV1 -> {
          params += 2 * d * v + v + d;
          macs += 2 * d * v * n;
        }
        case SKIP -> {}
      }
    }
    return new Cost(params, macs);
  }

  /** The figure that a target of that kind is about. */
  public long of(TargetKind kind) {
    return switch (kind) {
      case MACS -> macs;
      case PARAMS -> params;
    };
  }

  /** Share of {@code base} that this is, for that kind of target. */
  public double keepRatio(Cost base, TargetKind kind) {
    return (double) of(kind) / base.of(kind);
  }
}
