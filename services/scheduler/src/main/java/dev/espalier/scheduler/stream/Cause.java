package dev.espalier.scheduler.stream;

import dev.espalier.messaging.trace.TraceContext;

/**
 * What led to a decision; every event names it.
 *
 * @param eventId event or command that led to it; empty if the clock did
 * @param requestedBy who asked: a caller, a worker that reports, or the scheduler itself
 * @param team whose work it is
 */
public record Cause(String eventId, String requestedBy, String team, TraceContext trace) {

  /** Who asks where nobody did: the clock, or a worker's silence. */
  public static final String SCHEDULER = "scheduler";

  /** Who a worker's report comes from. */
  public static String worker(String workerId) {
    return "worker:" + workerId;
  }

  /** The clock, or a worker's silence. */
  public static Cause none() {
    return new Cause("", SCHEDULER, "", TraceContext.start());
  }
}
