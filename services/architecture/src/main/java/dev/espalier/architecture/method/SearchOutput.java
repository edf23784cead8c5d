package dev.espalier.architecture.method;

/** What a search leaves beside the importance of units. */
public enum SearchOutput {
  /** What the plan needs beside the importance, in the method's own format. */
  FINDINGS,
  /** Full-size weights, trained while searching: the cut is made from them. */
  WEIGHTS,
  /** Full-size weights drawn at random: nothing of the base is in the cut model. */
  FRESH_WEIGHTS,
  /** Tensors that the base does not have, for the cut model: predictors, convolutions. */
  TENSORS
}
