package dev.espalier.sweep.lifecycle;

import java.util.List;

/** What happened in a trial. */
public sealed interface TrialEvent {

  /**
   * The trial is known.
   *
   * @param stages identities in the order in which the trial walks them; the last one reads,
   *     directly or not, what all others make
   */
  record Planned(String sweepId, int priority, List<PlannedStage> stages) implements TrialEvent {
    public Planned {
      stages = List.copyOf(stages);
    }
  }

  record StageSucceeded(String stageId) implements TrialEvent {}

  /** What its last stage measured and made. */
  record Succeeded(List<Measurement> measurements, List<Output> outputs) implements TrialEvent {
    public Succeeded {
      measurements = List.copyOf(measurements);
      outputs = List.copyOf(outputs);
    }
  }

  record Failed(String stageId, FailureCause cause) implements TrialEvent {}

  record Paused() implements TrialEvent {}

  record Resumed() implements TrialEvent {}

  record Cancelled(String reason) implements TrialEvent {}
}
