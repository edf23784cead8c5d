package dev.espalier.benchmarks.scheduling;

import java.util.List;

/** Percentiles by the nearest rank. */
final class Tail {

  private Tail() {}

  /**
   * @param share in (0, 1]
   * @return NaN where there is nothing
   */
  static double percentile(List<Double> values, double share) {
    if (values.isEmpty()) {
      return Double.NaN;
    }
    List<Double> sorted = values.stream().sorted().toList();
    return tenths(sorted.get((int) Math.ceil(share * sorted.size()) - 1));
  }

  static double tenths(double value) {
    return Math.round(value * 10) / 10.0;
  }
}
