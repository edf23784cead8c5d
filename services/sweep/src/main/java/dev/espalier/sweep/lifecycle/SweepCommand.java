package dev.espalier.sweep.lifecycle;

import java.util.List;

/** What a sweep is asked. */
public sealed interface SweepCommand {

  record Accept(SweepEvent.Accepted accepted) implements SweepCommand {}

  /** Chunk {@code chunk} of the grid was worked out. */
  record PlanTrials(int chunk, boolean last, List<String> trialIds) implements SweepCommand {
    public PlanTrials {
      trialIds = List.copyOf(trialIds);
    }
  }

  record Pause() implements SweepCommand {}

  record Resume() implements SweepCommand {}

  /** The sweep, or its team, has used up its device-hours. */
  record ReachCap(SweepEvent.CapReached reached) implements SweepCommand {}

  record Cancel(String reason) implements SweepCommand {}

  record EndTrial(String trialId, TrialOutcome outcome, FailureCause cause)
      implements SweepCommand {}
}
