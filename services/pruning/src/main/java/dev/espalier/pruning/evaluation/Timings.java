package dev.espalier.pruning.evaluation;

import java.util.Arrays;

/**
 * Times of repeated equal runs.
 *
 * @param p50Ms median, milliseconds
 * @param p95Ms 95th percentile, nearest rank
 */
public record Timings(double p50Ms, double p95Ms) {

  static Timings of(long[] nanoseconds) {
    long[] sorted = nanoseconds.clone();
    Arrays.sort(sorted);
    return new Timings(percentile(sorted, 0.5), percentile(sorted, 0.95));
  }

  private static double percentile(long[] sorted, double share) {
    int rank = (int) Math.ceil(share * sorted.length);
    return sorted[Math.max(rank, 1) - 1] / 1e6;
  }
}
