package dev.espalier.scheduler.process;

import dev.espalier.schemas.trial.v1.TrialPlanned;
import dev.espalier.sweep.lifecycle.SweepEvent;
import java.util.List;

/** Unfolds an accepted sweep into its trials: always the same ones, in the same order. */
public interface TrialPlanning {

  List<PlannedTrial> plan(String sweepId, SweepEvent.Accepted accepted);

  /** A trial and the event that makes it known. */
  record PlannedTrial(String trialId, TrialPlanned planned) {}
}
