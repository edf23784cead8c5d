package dev.espalier.sweep.lifecycle;

import java.util.Set;

/** A trial as its events tell it. */
public sealed interface TrialState {

  /** No events yet. */
  record Absent() implements TrialState {}

  /**
   * Waits for its stages, to be resumed, or to be promoted.
   *
   * @param waits whether it is at the end of its rung
   * @param rung highest rung that it was promoted to, from 0
   */
  record Running(
      TrialEvent.Planned planned, Set<String> succeeded, boolean paused, boolean waits, int rung)
      implements TrialState {
    public Running {
      succeeded = Set.copyOf(succeeded);
    }

    /** Whether its stages are not to run now. */
    public boolean held() {
      return paused || waits;
    }

    Running withPaused(boolean next) {
      return new Running(planned, succeeded, next, waits, rung);
    }
  }

  /** Gone with its sweep. */
  record Deleted() implements TrialState {}

  /** Over for good. */
  record Ended(TrialEvent.Planned planned, TrialOutcome outcome, FailureCause cause)
      implements TrialState {}
}
