package dev.espalier.scheduler.assignment;

import java.time.Duration;

/**
 * How leases behave.
 *
 * @param duration how long a lease lasts without renewal
 * @param stallTimeout longest time without headway
 * @param checkpointInterval time between checkpoints that workers keep to
 */
public record LeaseSettings(Duration duration, Duration stallTimeout, Duration checkpointInterval) {

  /** A broker's outage is noticed after 3 s; a lease must not run out before that. */
  private static final Duration SHORTEST = Duration.ofSeconds(4);

  public LeaseSettings {
    if (duration.compareTo(SHORTEST) < 0) {
      throw new IllegalArgumentException(
          "espalier.lease.duration must be at least " + SHORTEST + " but is " + duration);
    }
  }
}
