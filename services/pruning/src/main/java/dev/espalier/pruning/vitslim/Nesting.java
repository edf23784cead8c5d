package dev.espalier.pruning.vitslim;

import java.util.ArrayList;
import java.util.List;

/**
 * Makes kept tokens nested: what is in a block is in all blocks before it ({@code
 * methods/vit-slim.md} §3). It works on shares instead of masks, so that it holds for every budget
 * at once: a token is in a block for as long as less has fallen than its share there.
 */
enum Nesting {
  /** A token kept in a block is kept in all before it; the authors' code. */
  OR_BACKWARD,
  /** A token that fell in a block has fallen in all behind it; the paper's text. */
  AND_FORWARD;

  /** Reads the parameter. */
  static Nesting of(String text) {
    return text.equals("or-backward") ? OR_BACKWARD : AND_FORWARD;
  }

  /**
   * Nested shares.
   *
   * @param shares (T) per block
   * @return (T) per block, not growing from block to block
   */
  List<double[]> nested(List<double[]> shares) {
    List<double[]> nested = new ArrayList<>();
    shares.forEach(block -> nested.add(block.clone()));
    int depth = nested.size();
    for (int step = 1; step < depth; step++) {
      int l = this == OR_BACKWARD ? depth - 1 - step : step;
      double[] from = nested.get(this == OR_BACKWARD ? l + 1 : l - 1);
      double[] to = nested.get(l);
      for (int t = 0; t < to.length; t++) {
        to[t] = this == OR_BACKWARD ? Math.max(to[t], from[t]) : Math.min(to[t], from[t]);
      }
    }
    return nested;
  }
}
