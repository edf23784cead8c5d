package dev.espalier.architecture.latency;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a sum of blocks' times means in time of a whole model: piecewise linear through whole models
 * that were timed, so that what blocks do to each other, and what runs once, is not lost. Never
 * falls; below the first model the first one's proportion holds, beyond the last the last one's.
 *
 * @param sums milliseconds by the sum over blocks, ascending
 * @param measured milliseconds of the same models, never falling
 */
record Calibration(List<Double> sums, List<Double> measured) {

  /** Sums are taken as they are. */
  static final Calibration NONE = new Calibration(List.of(), List.of());

  Calibration {
    sums = List.copyOf(sums);
    measured = List.copyOf(measured);
    if (sums.size() != measured.size()) {
      throw new IllegalArgumentException(
          "expected as many measured times as sums of blocks but found %d and %d"
              .formatted(measured.size(), sums.size()));
    }
    for (int i = 0; i < sums.size(); i++) {
      double sum = sums.get(i);
      double time = measured.get(i);
      if (!(sum > 0 && time > 0) || Double.isInfinite(sum) || Double.isInfinite(time)) {
        throw new IllegalArgumentException(
            "expected positive times of whole models but found %s for %s".formatted(time, sum));
      }
      if (i > 0 && (sum <= sums.get(i - 1) || time < measured.get(i - 1))) {
        throw new IllegalArgumentException(
            "expected ascending times of whole models but found sums %s and times %s"
                .formatted(sums, measured));
      }
    }
  }

  /** The nearest that never falls to what was measured. Models of equal sums count as one. */
  static Calibration of(double[] sums, double[] measured) {
    List<Integer> order =
        IntStream.range(0, sums.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> sums[i]))
            .toList();
    List<Double> distinct = new ArrayList<>();
    List<Double> times = new ArrayList<>();
    for (int from = 0; from < order.size(); ) {
      int to = from;
      double total = 0;
      double sum = sums[order.get(from)];
      while (to < order.size() && sums[order.get(to)] == sum) {
        total += measured[order.get(to++)];
      }
      distinct.add(sum);
      times.add(total / (to - from));
      from = to;
    }
    double[] fitted =
        Isotonic.fit(
            List.of(times.size()), times.stream().mapToDouble(Double::doubleValue).toArray());
    return new Calibration(
        distinct, IntStream.range(0, fitted.length).mapToObj(i -> fitted[i]).toList());
  }

  /** Milliseconds of a model whose blocks' times add up to {@code sum}. */
  double at(double sum) {
    int n = sums.size();
    if (n == 0) {
      return sum;
    }
    int above = 0;
    while (above < n && sums.get(above) < sum) {
      above++;
    }
    if (above == 0) {
      return sum * measured.get(0) / sums.get(0);
    }
    if (above == n) {
      return sum * measured.get(n - 1) / sums.get(n - 1);
    }
    double from = sums.get(above - 1);
    double share = (sum - from) / (sums.get(above) - from);
    return measured.get(above - 1) + share * (measured.get(above) - measured.get(above - 1));
  }
}
