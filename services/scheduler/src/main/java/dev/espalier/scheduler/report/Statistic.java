package dev.espalier.scheduler.report;

import java.util.Collection;

/**
 * A figure over seeds.
 *
 * @param mean arithmetic mean
 * @param deviation sample standard deviation; 0 for a single value
 * @param count values behind it
 */
public record Statistic(double mean, double deviation, double min, double max, int count) {

  /** Of at least one value. */
  public static Statistic of(Collection<Double> values) {
    if (values.isEmpty()) {
      throw new IllegalArgumentException("a statistic needs a value");
    }
    double mean = values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    double squares = values.stream().mapToDouble(v -> (v - mean) * (v - mean)).sum();
    double deviation = values.size() < 2 ? 0 : Math.sqrt(squares / (values.size() - 1));
    return new Statistic(
        mean,
        deviation,
        values.stream().mapToDouble(Double::doubleValue).min().orElseThrow(),
        values.stream().mapToDouble(Double::doubleValue).max().orElseThrow(),
        values.size());
  }
}
