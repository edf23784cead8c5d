package dev.espalier.architecture.method;

/** How a method's search relates to the targets of a sweep. */
public enum SearchKind {
  /** One search serves every target: it only ranks units. */
  SHARED,
  /**
   * A chain of searches on a fixed grid of keep ratios; a smaller target continues where a larger
   * one stopped.
   */
  CHAINED,
  /** A search of its own for every target. */
  PER_TARGET
}
