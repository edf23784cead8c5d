package dev.espalier.standalone.supervisor;

import java.time.Duration;

/**
 * How long to wait before a child is started again: half a second, then twice as long after each
 * quick end, up to half a minute. A life of {@link #STEADY} makes the next end a first one.
 */
record Backoff(int quickEnds) {

  static final Duration STEADY = Duration.ofSeconds(30);
  private static final Duration FIRST = Duration.ofMillis(500);
  private static final Duration LONGEST = Duration.ofSeconds(30);

  static final Backoff NONE = new Backoff(0);

  Backoff afterLifeOf(Duration life) {
    return life.compareTo(STEADY) >= 0 ? new Backoff(1) : new Backoff(quickEnds + 1);
  }

  Duration delay() {
    if (quickEnds == 0) {
      return Duration.ZERO;
    }
    Duration delay = FIRST.multipliedBy(1L << Math.min(quickEnds - 1, 10));
    return delay.compareTo(LONGEST) < 0 ? delay : LONGEST;
  }
}
