package dev.espalier.sweep.lifecycle;

import java.util.Set;

/** A trial as its events tell it. */
public sealed interface TrialState {

  /** No events yet. */
  record Absent() implements TrialState {}

  /** Waits for its stages, or to be resumed. */
  record Running(TrialEvent.Planned planned, Set<String> succeeded, boolean paused)
      implements TrialState {
    public Running {
      succeeded = Set.copyOf(succeeded);
    }
  }

  /** Over for good. */
  record Ended(TrialEvent.Planned planned, TrialOutcome outcome, FailureCause cause)
      implements TrialState {}
}
