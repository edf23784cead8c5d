package dev.espalier.sweep.lifecycle;

import dev.espalier.sweep.strategy.Bisection;
import dev.espalier.sweep.strategy.CellRef;
import dev.espalier.sweep.strategy.Verdict;
import java.util.List;
import java.util.Locale;

/** What happened in a sweep. */
public sealed interface SweepEvent {

  /**
   * A valid sweep came in.
   *
   * @param canonicalSpecJson the text whose hash names the sweep
   * @param trials cells times seeds
   * @param modelArchitectureJson the base's shape; empty in events from before it was recorded
   */
  record Accepted(
      String canonicalSpecJson,
      int run,
      int cells,
      int trials,
      String modelSha256,
      String datasetSha256,
      String modelArchitectureJson)
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

  /**
   * A trial is over.
   *
   * @param cause null unless the trial failed
   * @param top1 what its evaluation measured; NaN for none
   * @param baseTop1 what it measured of the base; NaN for none
   */
  record TrialEnded(
      String trialId,
      TrialOutcome outcome,
      FailureCause cause,
      CellRef cell,
      double top1,
      double baseTop1)
      implements SweepEvent {}

  record Completed(int succeeded, int failed, int cancelled, int stopped) implements SweepEvent {}

  /**
   * A trial came to an epoch that strategy or stopping rule ask for.
   *
   * @param epoch since the cut, from 1
   * @param awaitsPromotion whether its cell was not promoted at once
   */
  record EpochReached(
      String trialId, CellRef cell, int epoch, double top1Accuracy, boolean awaitsPromotion)
      implements SweepEvent {}

  record CellPromoted(Verdict.Promote promotion) implements SweepEvent {}

  record StopDecided(Verdict.Stop stop) implements SweepEvent {}

  /** Nobody is shown it any more. */
  record Deleted() implements SweepEvent {}

  record BisectionStepped(Bisection.Step step) implements SweepEvent {}
}
