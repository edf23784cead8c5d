package dev.espalier.sweep.strategy;

import dev.espalier.sweep.spec.MethodLabels;

/**
 * Which configuration a trial repeats, and the question that it answers.
 *
 * @param cellId empty in events from before there were strategies
 * @param method label of the method or methods
 * @param target for instance "macs 0.5"
 */
public record CellRef(String cellId, String method, String target) {

  public static final CellRef UNKNOWN = new CellRef("", "", "");

  /** Whether both ask the same of one method, with whatever parameters. */
  boolean peerOf(CellRef other) {
    return MethodLabels.plain(method).equals(MethodLabels.plain(other.method))
        && target.equals(other.target);
  }
}
