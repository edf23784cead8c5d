package dev.espalier.scheduler.report;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * A linear axis: maps values to pixels and knows round ticks.
 *
 * @param low value at {@code from}
 * @param high value at {@code to}
 * @param step distance of ticks: 1, 2 or 5 times a power of ten
 */
record Axis(double low, double high, double step, double from, double to) {

  /** Covers the values with some air on both sides; a single value gets a range around it. */
  static Axis covering(DoubleStream values, double from, double to, int ticks) {
    double[] finite = values.filter(Double::isFinite).toArray();
    double min = DoubleStream.of(finite).min().orElse(0);
    double max = DoubleStream.of(finite).max().orElse(1);
    double span = max - min;
    if (span <= 1e-9 * Math.max(1, Math.abs(max))) {
      span = max == 0 ? 1 : Math.abs(max) * 0.2;
    }
    double low = min - span * 0.09;
    if (min >= 0 && low < 0) {
      low = 0;
    }
    return new Axis(low, max + span * 0.09, roundStep((max + span * 0.09 - low) / ticks), from, to);
  }

  /** From exactly {@code low} to exactly {@code high}. */
  static Axis exactly(double low, double high, double from, double to, int ticks) {
    return new Axis(low, high, roundStep((high - low) / ticks), from, to);
  }

  private static double roundStep(double rough) {
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double mantissa = rough / power;
    return power * (mantissa <= 1 ? 1 : mantissa <= 2 ? 2 : mantissa <= 5 ? 5 : 10);
  }

  double at(double value) {
    return from + (value - low) / (high - low) * (to - from);
  }

  List<Double> ticks() {
    List<Double> ticks = new ArrayList<>();
    long first = (long) Math.ceil(low / step - 1e-9);
    for (long k = first; k * step <= high + step * 1e-9; k++) {
      ticks.add(k * step);
    }
    return ticks;
  }
}
