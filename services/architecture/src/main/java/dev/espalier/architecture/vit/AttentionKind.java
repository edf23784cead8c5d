package dev.espalier.architecture.vit;

import java.util.Locale;

/** What mixes tokens in an encoder block. */
public enum AttentionKind {
  /** Multi-head self-attention. */
  MSA,
  /** 3x3 convolution bottleneck in place of attention (SPViT). */
  CONV3,
  /** 1x1 convolution bottleneck in place of attention (SPViT). */
  CONV1,
  /** Nothing: the residual path alone. */
  SKIP;

  /** Whether it is a convolution in place of attention. */
  public boolean isConvolution() {
    return this == CONV3 || this == CONV1;
  }

  /** Side of the convolution's kernel; 0 for what is none. */
  public int kernel() {
    return switch (this) {
      case CONV3 -> 3;
      case CONV1 -> 1;
      case MSA, SKIP -> 0;
    };
  }

  /** The name in JSON, for instance "msa". */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Reads {@link #text()}. */
  public static AttentionKind of(String text) {
    for (AttentionKind kind : values()) {
      if (kind.text().equals(text)) {
        return kind;
      }
    }
    throw new IllegalArgumentException(
        "attention must be msa, conv3, conv1 or skip but is " + text);
  }
}
