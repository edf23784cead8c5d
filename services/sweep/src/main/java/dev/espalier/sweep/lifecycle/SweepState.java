package dev.espalier.sweep.lifecycle;

import dev.espalier.sweep.strategy.Search;

/**
 * A sweep as its events tell it.
 *
 * @param accepted null before acceptance
 * @param chunks chunks of the grid planned so far
 * @param planned whether the last chunk is among them
 * @param ended trials that ended
 * @param search which trials run, and for how long; null before acceptance
 */
public record SweepState(
    Phase phase,
    SweepEvent.Accepted accepted,
    int chunks,
    boolean planned,
    GrowingSet ended,
    int succeeded,
    int failed,
    int cancelled,
    int stopped,
    Search search) {

  /** Where a sweep stands. */
  public enum Phase {
    ABSENT,
    ACCEPTED,
    RUNNING,
    PAUSED,
    /** Its device-hours are used up: what runs ends, nothing starts. */
    CAPPED,
    COMPLETED,
    CANCELLED,
    /** As if it had never been, but that nobody else gets its id. */
    DELETED;

    /** Whether the sweep still wants results. */
    public boolean open() {
      return switch (this) {
        case ACCEPTED, RUNNING, PAUSED, CAPPED -> true;
        case ABSENT, COMPLETED, CANCELLED, DELETED -> false;
      };
    }
  }

  static final SweepState ABSENT =
      new SweepState(Phase.ABSENT, null, 0, false, GrowingSet.empty(), 0, 0, 0, 0, null);

  static final SweepState DELETED = ABSENT.in(Phase.DELETED);

  SweepState in(Phase next) {
    return new SweepState(
        next, accepted, chunks, planned, ended, succeeded, failed, cancelled, stopped, search);
  }

  SweepState with(Search next) {
    return new SweepState(
        phase, accepted, chunks, planned, ended, succeeded, failed, cancelled, stopped, next);
  }
}
