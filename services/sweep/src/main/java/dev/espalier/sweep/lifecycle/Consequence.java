package dev.espalier.sweep.lifecycle;

import java.util.List;

/** What another stream must be told because of an event. Telling it twice does no harm. */
public sealed interface Consequence {

  record ForSweep(String sweepId, SweepCommand command) implements Consequence {}

  record ForTrial(String trialId, TrialCommand command) implements Consequence {}

  record ForStage(String stageId, StageCommand command) implements Consequence {}

  /** Work out a chunk of the grid and tell the sweep. */
  record PlanChunk(String sweepId, int chunk) implements Consequence {}

  /** Make the trials of a planned chunk known, unless the sweep was cancelled meanwhile. */
  record PlanTrials(String sweepId, List<String> trialIds) implements Consequence {
    public PlanTrials {
      trialIds = List.copyOf(trialIds);
    }
  }
}
