package dev.espalier.sweep.lifecycle;

import java.util.List;

/** What happened in a sweep. */
public sealed interface SweepEvent {

  /**
   * A valid sweep came in.
   *
   * @param canonicalSpecJson the text whose hash names the sweep
   * @param trials cells times seeds
   */
  record Accepted(
      String canonicalSpecJson,
      int run,
      int cells,
      int trials,
      String modelSha256,
      String datasetSha256)
      implements SweepEvent {}

  /** A chunk of the grid; chunks come in order and the last one says so. */
  record TrialsPlanned(int chunk, boolean last, List<String> trialIds) implements SweepEvent {
    public TrialsPlanned {
      trialIds = List.copyOf(trialIds);
    }
  }

  record Paused() implements SweepEvent {}

  record Resumed() implements SweepEvent {}

  record Cancelled(String reason) implements SweepEvent {}

  /** The cause is null unless the trial failed. */
  record TrialEnded(String trialId, TrialOutcome outcome, FailureCause cause)
      implements SweepEvent {}

  record Completed(int succeeded, int failed, int cancelled) implements SweepEvent {}
}
