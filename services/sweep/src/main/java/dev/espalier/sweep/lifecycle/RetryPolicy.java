package dev.espalier.sweep.lifecycle;

import java.time.Duration;

/**
 * How often, and after which pause, a stage is tried again.
 *
 * @param maxAttempts attempts that may fail for a cause worth retrying
 * @param maxWorkerLosses workers that a stage may lose; a stage that kills its workers must end
 * @param firstBackOff pause after the first failed attempt; doubles with each
 * @param longestBackOff upper bound of the pause
 */
public record RetryPolicy(
    int maxAttempts, int maxWorkerLosses, Duration firstBackOff, Duration longestBackOff) {

  public static final RetryPolicy DEFAULT =
      new RetryPolicy(3, 5, Duration.ofSeconds(1), Duration.ofSeconds(60));

  public RetryPolicy {
    if (maxAttempts < 1 || maxWorkerLosses < 0) {
      throw new IllegalArgumentException(
          "expected at least 1 attempt and 0 worker losses but got "
              + maxAttempts
              + " and "
              + maxWorkerLosses);
    }
  }

  /**
   * Pause before the next attempt: between half and the whole of the doubled back-off. The jitter
   * comes from the lease, which is random, so that replaying gives the same instant.
   */
  Duration backOff(int failures, String leaseId) {
    double whole =
        Math.min(
            longestBackOff.toMillis(),
            firstBackOff.toMillis() * Math.pow(2, Math.min(failures - 1, 30)));
    double share = (Math.floorMod(leaseId.hashCode() * 0x9E3779B9, 1 << 16)) / (double) (1 << 16);
    return Duration.ofMillis(Math.round(whole * (0.5 + share / 2)));
  }
}
