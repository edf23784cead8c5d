package dev.espalier.architecture.vit;

/** What mixes tokens in an encoder block. */
public enum AttentionKind {
  /** Multi-head self-attention. */
  MSA,
  /** 3x3 convolution bottleneck in place of attention (SPViT). */
  CONV3,
  /** 1x1 convolution bottleneck in place of attention (SPViT). */
  CONV1,
  /** Nothing: the residual path alone. */
  SKIP
}
