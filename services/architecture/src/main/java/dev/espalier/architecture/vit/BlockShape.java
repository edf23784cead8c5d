package dev.espalier.architecture.vit;

/**
 * Widths of one encoder block. All heads of a block have equal widths; ragged heads are padded.
 *
 * @param attention what mixes tokens
 * @param heads attention heads H, at least 1 for {@link AttentionKind#MSA}
 * @param qkWidth query and key width per head
 * @param vWidth value width per head
 * @param mlpHidden hidden width of the MLP, M
 */
public record BlockShape(
    AttentionKind attention, int heads, int qkWidth, int vWidth, int mlpHidden) {

  public BlockShape {
    if (attention == null) {
      throw new IllegalArgumentException("attention must be given");
    }
    if (attention == AttentionKind.MSA) {
      atLeastOne("heads", heads);
      atLeastOne("qkWidth", qkWidth);
      atLeastOne("vWidth", vWidth);
    }
    atLeastOne("mlpHidden", mlpHidden);
  }

  /** A block with self-attention. */
  public static BlockShape msa(int heads, int qkWidth, int vWidth, int mlpHidden) {
    return new BlockShape(AttentionKind.MSA, heads, qkWidth, vWidth, mlpHidden);
  }

  private static void atLeastOne(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException("%s must be at least 1 but is %d".formatted(name, value));
    }
  }
}
