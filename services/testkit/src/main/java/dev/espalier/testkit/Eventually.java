package dev.espalier.testkit;

import java.time.Duration;
import java.util.concurrent.Callable;

/** Waits for what comes in its own time: polls until it holds or the deadline is over. */
public final class Eventually {

  private static final long PAUSE_MS = 20;

  /** Throws while the expectation does not hold. */
  @FunctionalInterface
  public interface Expectation {
    void check() throws Exception;
  }

  private Eventually() {}

  /** Returns once the expectation holds; fails with its last error. */
  public static void within(Duration limit, Expectation expectation) {
    within(
        limit,
        () -> {
          expectation.check();
          return null;
        });
  }

  /** Returns the first value that is computed without an error. */
  public static <T> T within(Duration limit, Callable<T> value) {
    long deadline = System.nanoTime() + limit.toNanos();
    while (true) {
      try {
        return value.call();
      } catch (Exception | AssertionError e) {
        if (System.nanoTime() > deadline) {
          throw new AssertionError("not within " + limit + ": " + e.getMessage(), e);
        }
      }
      try {
        Thread.sleep(PAUSE_MS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted", e);
      }
    }
  }
}
