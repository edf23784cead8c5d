package dev.espalier.messaging.process;

import java.time.Duration;

/**
 * A least time between two rounds of a loop while there is work. Loops that pass work to each other
 * would otherwise wake for each single record, and each round has its price: a transaction, a
 * fetch, a marker in each partition. What comes during the rest is done together.
 *
 * @param least from the beginning of a round to the beginning of the next one
 */
public record Pace(Duration least) {

  /** Enough for some records to come, and little beside what an assignment may wait. */
  public static final Pace OF_EVENTS = new Pace(Duration.ofMillis(10));

  /**
   * Rests for what is left of the round.
   *
   * @param began reading of {@link System#nanoTime} at its beginning
   */
  public void rest(long began) {
    long left = least.toNanos() - (System.nanoTime() - began);
    if (left <= 0) {
      return;
    }
    try {
      Thread.sleep(left / 1_000_000, (int) (left % 1_000_000));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
