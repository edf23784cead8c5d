package dev.espalier.sweep.lifecycle;

import dev.espalier.sweep.strategy.CellRef;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

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

  /** Only what has ended can be deleted. */
  record Delete() implements SweepCommand {}

  /**
   * A trial is over.
   *
   * @param top1 what its evaluation measured; NaN for none
   * @param baseTop1 what it measured of the base; NaN for none
   */
  record EndTrial(
      String trialId,
      TrialOutcome outcome,
      FailureCause cause,
      CellRef cell,
      double top1,
      double baseTop1)
      implements SweepCommand {}

  /**
   * A trial's recovery came to these epochs.
   *
   * @param top1ByEpoch accuracies by epochs since the cut, ascending
   */
  record ReachEpochs(String trialId, CellRef cell, Map<Integer, Double> top1ByEpoch)
      implements SweepCommand {
    public ReachEpochs {
      top1ByEpoch = new TreeMap<>(top1ByEpoch);
    }
  }
}
