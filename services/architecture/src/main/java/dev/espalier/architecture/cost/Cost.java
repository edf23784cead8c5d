package dev.espalier.architecture.cost;

import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenFlow;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;

/**
 * What a model costs by formula ({@code methods/README.md} §4): one multiply-accumulate counts 1;
 * softmax, layer norm, GELU and biases count nothing.
 *
 * @param params parameters, biases and norms included
 * @param macs multiply-accumulates for one image (the papers' FLOPs)
 */
public record Cost(long params, long macs) {

  /**
   * Cost of a model. With d the embedding, N patches of P values, E prefix tokens, C classes, and
   * per block Tin tokens as keys and Tout as queries, H heads of widths q, v and M hidden units; d
   * is replaced by what a narrowed {@link Wiring} reads or writes. A convolution in place of
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
    TokenFlow flow = vit.flow();
    for (int l = 0; l < vit.depth(); l++) {
      BlockShape block = vit.blocks().get(l);
      Cost own = attention(block, flow.blocks().get(l), d, n);
      Cost mlp = mlp(block, flow.blocks().get(l).out(), d);
      params += own.params + mlp.params;
      macs += own.macs + mlp.macs;
      if (block.tokens() instanceof TokenRule.Select) {
        Cost predictor = predictor(flow.blocks().get(l).arriving() - e, d);
        params += predictor.params;
        macs += predictor.macs;
      }
    }
    return new Cost(params, macs);
  }

  private static Cost attention(BlockShape block, TokenFlow.Block tokens, long d, long n) {
    long h = block.heads();
    long q = block.qkWidth();
    long v = block.vWidth();
    long r = Wiring.width(block.wiring().attentionReads(), (int) d);
    long w = Wiring.width(block.wiring().attentionWrites(), (int) d);
    long in = tokens.in();
    long out = tokens.out();
    return switch (block.attention()) {
      case MSA ->
          new Cost(
              2 * d + 2 * (r * h * q + h * q) + (r * h * v + h * v) + (h * v * w + w),
              in * r * h * (q + v) + out * r * h * q + out * in * h * (q + v) + out * h * v * w);
      case CONV3 -> new Cost(2 * d + 9 * d * v + v + v * d + d, 10 * d * v * n);
      case CONV1 -> new Cost(2 * d + d * v + v + v * d + d, 2 * d * v * n);
      case SKIP -> new Cost(0, 0);
    };
  }

  private static Cost mlp(BlockShape block, long tokens, long d) {
    long m = block.mlpHidden();
    long r = Wiring.width(block.wiring().mlpReads(), (int) d);
    long w = Wiring.width(block.wiring().mlpWrites(), (int) d);
    return new Cost(2 * d + r * m + m + m * w + w, tokens * m * (r + w));
  }

  /** Norm, d to d, then d to d/2, d/4 and 2 scores for each patch (DynamicViT). */
  private static Cost predictor(long patches, long d) {
    long half = d / 2;
    long quarter = d / 4;
    long weights = d * d + d * half + half * quarter + 2 * quarter;
    return new Cost(2 * d + weights + d + half + quarter + 2, patches * weights);
  }

  /** The figure that a target of that kind is about. */
  public long of(TargetKind kind) {
    return switch (kind) {
      case MACS -> macs;
      case PARAMS -> params;
      case LATENCY ->
          throw new IllegalArgumentException(
              "latency is measured, not counted: it needs a table of measured latencies");
    };
  }

  /** Share of {@code base} that this is, for that kind of target. */
  public double keepRatio(Cost base, TargetKind kind) {
    return (double) of(kind) / base.of(kind);
  }
}
