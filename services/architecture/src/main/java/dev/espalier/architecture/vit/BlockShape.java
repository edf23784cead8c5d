package dev.espalier.architecture.vit;

/**
 * Widths of one encoder block. All heads of a block have equal widths; ragged heads are padded.
 *
 * @param attention what mixes tokens
 * @param heads attention heads H, at least 1 for {@link AttentionKind#MSA}
 * @param qkWidth query and key width per head
 * @param vWidth value width per head
 * @param mlpHidden hidden width of the MLP
 */
public record BlockShape(
    AttentionKind attention, int heads, int qkWidth, int vWidth, int mlpHidden) {}
