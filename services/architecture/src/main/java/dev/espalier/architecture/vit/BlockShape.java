package dev.espalier.architecture.vit;

/**
 * Shape of one encoder block. All heads of a block have equal widths; ragged heads are padded.
 *
 * @param attention what mixes tokens
 * @param heads attention heads H, at least 1 for {@link AttentionKind#MSA}
 * @param qkWidth query and key width per head
 * @param vWidth value width per head; a convolution in place of attention has it as the width of
 *     its bottleneck
 * @param mlpHidden hidden width of the MLP, M
 * @param wiring residual channels that the branches read and write
 * @param tokens tokens that the block works on
 */
public record BlockShape(
    AttentionKind attention,
    int heads,
    int qkWidth,
    int vWidth,
    int mlpHidden,
    Wiring wiring,
    TokenRule tokens) {

  public BlockShape {
    if (attention == null) {
      throw new IllegalArgumentException("attention must be given");
    }
    if (attention == AttentionKind.MSA) {
      atLeastOne("heads", heads);
      atLeastOne("qkWidth", qkWidth);
      atLeastOne("vWidth", vWidth);
    } else if (attention.isConvolution()) {
      atLeastOne("vWidth", vWidth);
      if (!wiring.attentionReads().isEmpty() || !wiring.attentionWrites().isEmpty()) {
        throw new IllegalArgumentException(
            "a convolution must read and write all channels but has " + wiring);
      }
    }
    atLeastOne("mlpHidden", mlpHidden);
  }

  /** A block of plain widths: it reads, writes and works on everything. */
  public BlockShape(AttentionKind attention, int heads, int qkWidth, int vWidth, int mlpHidden) {
    this(attention, heads, qkWidth, vWidth, mlpHidden, Wiring.ALL, TokenRule.ALL);
  }

  /** A block with self-attention. */
  public static BlockShape msa(int heads, int qkWidth, int vWidth, int mlpHidden) {
    return new BlockShape(AttentionKind.MSA, heads, qkWidth, vWidth, mlpHidden);
  }

  /** The same block with another wiring. */
  public BlockShape with(Wiring wiring) {
    return new BlockShape(attention, heads, qkWidth, vWidth, mlpHidden, wiring, tokens);
  }

  /** The same block on other tokens. */
  public BlockShape with(TokenRule tokens) {
    return new BlockShape(attention, heads, qkWidth, vWidth, mlpHidden, wiring, tokens);
  }

  private static void atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException("%s must be at least 1 but is %d".formatted(name, value));
    }
  }
}
