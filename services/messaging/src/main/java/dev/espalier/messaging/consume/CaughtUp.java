package dev.espalier.messaging.consume;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Keeps the time for which a reader has been caught up with each partition without a gap.
 *
 * <p>The reader asks the broker for the end of its partitions now and then. Once it has handled all
 * up to an end that it learnt at time t, it is caught up to t. It stays so while that t is never
 * older than {@link #STALE}; a broker that does not answer, a handler that hangs and a process that
 * was suspended all leave a gap, and the count starts again.
 */
final class CaughtUp {

  static final Duration STALE = Duration.ofSeconds(3);

  private static final class Span {
    long goalOffset = -1;
    long goalNanos;
    boolean hasGoal;
    boolean begun;
    long sinceNanos;
    long upToNanos;
  }

  private final LongSupplier nanoTime;
  private final Map<Integer, Span> spans = new HashMap<>();

  CaughtUp(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  synchronized void add(Set<Integer> partitions) {
    partitions.forEach(partition -> spans.put(partition, new Span()));
  }

  synchronized void remove(Set<Integer> partitions) {
    partitions.forEach(spans::remove);
  }

  /** The broker said at {@code askedNanos} or later that the partition ends here. */
  synchronized void end(int partition, long offset, long askedNanos) {
    Span span = spans.get(partition);
    if (span != null && !span.hasGoal) {
      span.hasGoal = true;
      span.goalOffset = offset;
      span.goalNanos = askedNanos;
    }
  }

  /** All records before this offset are handled. */
  synchronized void handled(int partition, long nextOffset) {
    Span span = spans.get(partition);
    if (span == null || !span.hasGoal || nextOffset < span.goalOffset) {
      return;
    }
    if (!span.begun || span.goalNanos - span.upToNanos > STALE.toNanos()) {
      span.begun = true;
      span.sinceNanos = span.goalNanos;
    }
    span.upToNanos = span.goalNanos;
    span.hasGoal = false;
  }

  /** How long the reader has been caught up with the partition until now; zero if it is not. */
  synchronized Duration duration(int partition) {
    Span span = spans.get(partition);
    long now = nanoTime.getAsLong();
    if (span == null || !span.begun || now - span.upToNanos > STALE.toNanos()) {
      return Duration.ZERO;
    }
    return Duration.ofNanos(now - span.sinceNanos);
  }

  /** The least of all partitions; zero if there is none. */
  synchronized Duration duration() {
    return spans.keySet().stream()
        .map(this::duration)
        .min(Duration::compareTo)
        .orElse(Duration.ZERO);
  }
}
