package dev.espalier.sweep.lifecycle;

import dev.espalier.sweep.strategy.CellRef;
import java.util.List;

/** What happened in a trial. */
public sealed interface TrialEvent {

  /**
   * The trial is known.
   *
   * @param cell that it repeats
   * @param stages identities in the order in which the trial walks them; the last one reads,
   *     directly or not, what all others make
   */
  record Planned(String sweepId, CellRef cell, int priority, List<PlannedStage> stages)
      implements TrialEvent {
    public Planned {
      stages = List.copyOf(stages);
    }

    /** The finetune that ends the walk before its evaluation: what epochs of recovery are of. */
    public String recoveryStage() {
      return stages.size() < 2 ? "" : stages.get(stages.size() - 2).stageId();
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

  /** With its sweep. */
  record Deleted() implements TrialEvent {}

  /**
   * Came to the end of its rung.
   *
   * @param epoch of recovery that the rung asks for
   */
  record AwaitsPromotion(int rung, int epoch) implements TrialEvent {

    /** In words, for those who ask why its stages wait. */
    public String reason() {
      return "waits on rung %d, after epoch %d, until its cell is promoted".formatted(rung, epoch);
    }
  }

  /**
   * Trains on.
   *
   * @param epochs of recovery that the rung asks for
   */
  record Promoted(int rung, int epochs) implements TrialEvent {}

  /**
   * Ended by strategy or stopping rule.
   *
   * @param rule "asha", "median" or "loss"
   */
  record Stopped(String rule, int epoch, String reason) implements TrialEvent {}
}
