package dev.espalier.scheduler.report;

import static java.util.Comparator.comparingDouble;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * The entries that nothing beats: no other entry is at least as accurate at no more cost and better
 * in one of the two. Equal entries all stay; entries with NaN never belong.
 */
final class ParetoFront {

  private ParetoFront() {}

  /** The front in order of rising cost, and so of rising accuracy. */
  static <T> List<T> of(List<T> entries, ToDoubleFunction<T> cost, ToDoubleFunction<T> accuracy) {
    List<T> sorted =
        entries.stream()
            .filter(e -> !Double.isNaN(cost.applyAsDouble(e)))
            .filter(e -> !Double.isNaN(accuracy.applyAsDouble(e)))
            .sorted(comparingDouble(cost).thenComparing(comparingDouble(accuracy).reversed()))
            .toList();
    List<T> front = new ArrayList<>();
    double best = Double.NEGATIVE_INFINITY;
    double costOfBest = Double.NaN;
    for (T entry : sorted) {
      double value = accuracy.applyAsDouble(entry);
      boolean twin = value == best && cost.applyAsDouble(entry) == costOfBest;
      if (value > best || twin) {
        front.add(entry);
        best = value;
        costOfBest = cost.applyAsDouble(entry);
      }
    }
    return front;
  }
}
