package dev.espalier.architecture.method;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** A kind of structure that a method can remove. */
public enum UnitKind {
  /** Residual channels, the same in all blocks. */
  EMBEDDING,
  HEAD,
  /** Query/key channels of a head. */
  QK,
  /** Value channels of a head. */
  V,
  /** Hidden units of an MLP. */
  MLP,
  /** Residual channels that queries, keys and values are made from, by block. */
  ATTENTION_INPUT,
  /** Residual channels that the projection adds to, by block. */
  ATTENTION_OUTPUT,
  /** Residual channels that fc1 reads, by block. */
  MLP_INPUT,
  /** Residual channels that fc2 adds to, by block. */
  MLP_OUTPUT,
  TOKEN,
  /** Whole encoder blocks. */
  BLOCK,
  /** Self-attention of a block, for a convolution or nothing in its place. */
  ATTENTION;

  /**
   * The widths that redistribution may move: kept units of these kinds are slices of one dense
   * model.
   */
  public static final Set<UnitKind> WIDTHS =
      Collections.unmodifiableSet(EnumSet.of(EMBEDDING, HEAD, QK, V, MLP));

  /** The name for people and JSON, for instance "embedding". */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
