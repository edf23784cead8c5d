package dev.espalier.sweep.lifecycle;

import java.util.List;
import java.util.Locale;

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

  /**
   * Nothing of the sweep starts any more; it is cancelled when what still runs has ended.
   *
   * @param used device-hours of sweep or team, as the scope says
   */
  record CapReached(CapScope scope, double cap, double used) implements SweepEvent {

    /** In a sentence, for those who ask why the sweep stopped. */
    public String reason() {
      return String.format(
          Locale.ROOT,
          "stopped at %s cap of %s device-hours, after %.3f",
          scope == CapScope.TEAM ? "the team's" : "its",
          cap == Math.rint(cap) ? Long.toString((long) cap) : Double.toString(cap),
          used);
    }
  }

  /** Whose cap it is. */
  enum CapScope {
    SWEEP,
    TEAM
  }

  record Cancelled(String reason) implements SweepEvent {}

  /** The cause is null unless the trial failed. */
  record TrialEnded(String trialId, TrialOutcome outcome, FailureCause cause)
      implements SweepEvent {}

  record Completed(int succeeded, int failed, int cancelled) implements SweepEvent {}
}
