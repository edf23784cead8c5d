package dev.espalier.scheduler.stream;

import dev.espalier.messaging.trace.TraceContext;

/**
 * What led to a decision; every event names it.
 *
 * @param eventId event or command that led to it; empty if the clock did
 * @param requestedBy who asked, as far as known
 * @param team whose work it is
 */
public record Cause(String eventId, String requestedBy, String team, TraceContext trace) {

  /** The clock, or a worker's silence. */
  public static Cause none() {
    return new Cause("", "", "", TraceContext.start());
  }
}
