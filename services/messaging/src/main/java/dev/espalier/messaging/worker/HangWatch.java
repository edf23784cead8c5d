package dev.espalier.messaging.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds stages whose thread makes no headway for the stall timeout of their assignment. The
 * scheduler ends their attempts, too, but only the worker knows whether the thread, and with it the
 * slot, is still taken: what is assigned next would wait behind it for ever. Used by the heartbeats
 * alone.
 */
final class HangWatch {

  private static final Logger LOG = LoggerFactory.getLogger(HangWatch.class);

  /** From the interrupt until a thread counts as lost. */
  private final Duration grace;

  /** Since when, by {@link System#nanoTime}. */
  private final Map<Attempt, Long> hanging = new HashMap<>();

  HangWatch(Duration grace) {
    this.grace = grace;
  }

  /**
   * Ends attempts that were not found to hang before, and only then interrupts their threads: an
   * interrupted thread must not report first, as if somebody had asked it to stop.
   *
   * @return the attempts that it ended, whose last report the caller sends
   */
  List<Attempt> endHanging(Collection<Attempt> attempts) {
    List<Attempt> found = new ArrayList<>();
    for (Attempt attempt : attempts) {
      if (attempt.hangs() && hanging.putIfAbsent(attempt, System.nanoTime()) == null) {
        LOG.warn("stage {} makes no headway, its thread is interrupted", attempt.stageId());
        if (attempt.end()) {
          found.add(attempt);
        }
        attempt.stop("no headway", false);
        attempt.interrupt();
      }
    }
    return found;
  }

  /** Whether a thread did not even end when it was interrupted. */
  boolean stuck() {
    hanging.keySet().removeIf(attempt -> !attempt.occupiesThread());
    return hanging.values().stream().anyMatch(since -> System.nanoTime() - since > grace.toNanos());
  }
}
