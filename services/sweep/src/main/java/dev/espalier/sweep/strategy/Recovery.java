package dev.espalier.sweep.strategy;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * A trial's recovery as the sweep knows it.
 *
 * @param curve top-1 accuracy by epochs since the cut, as far as somebody asks for it
 * @param ended whether the trial is over
 * @param failed whether it ended without a result through a fault of its own
 * @param stopped whether it was told to stop
 */
public record Recovery(
    CellRef cell, Map<Integer, Double> curve, boolean ended, boolean failed, boolean stopped) {

  static Recovery of(CellRef cell) {
    return new Recovery(cell, Map.of(), false, false, false);
  }

  Recovery at(int epoch, double top1Accuracy) {
    Map<Integer, Double> longer = new TreeMap<>(curve);
    longer.putIfAbsent(epoch, top1Accuracy);
    return new Recovery(cell, Collections.unmodifiableMap(longer), ended, failed, stopped);
  }

  Recovery end(boolean withFault) {
    return new Recovery(cell, curve, true, withFault, stopped);
  }

  Recovery stop() {
    return new Recovery(cell, curve, ended, failed, true);
  }

  /** Whether strategy and rules may still decide about it. */
  boolean open() {
    return !ended && !stopped;
  }
}
