package dev.espalier.sweep.lifecycle;

import java.util.List;

/** What a trial is asked or told. */
public sealed interface TrialCommand {

  record Plan(TrialEvent.Planned planned) implements TrialCommand {}

  record StageSucceeded(String stageId, List<Measurement> measurements, List<Output> outputs)
      implements TrialCommand {
    public StageSucceeded {
      measurements = List.copyOf(measurements);
      outputs = List.copyOf(outputs);
    }
  }

  record StageFailed(String stageId, FailureCause cause) implements TrialCommand {}

  record Pause() implements TrialCommand {}

  record Resume() implements TrialCommand {}

  record Cancel(String reason) implements TrialCommand {}

  /** Its sweep is deleted. */
  record Delete() implements TrialCommand {}

  /**
   * Wait until the cell is promoted beyond this rung.
   *
   * @param epoch of recovery that the rung asks for
   */
  record AwaitPromotion(int rung, int epoch) implements TrialCommand {}

  /**
   * The cell climbed to a rung.
   *
   * @param epochs of recovery that the rung asks for
   */
  record Promote(int rung, int epochs) implements TrialCommand {}

  /** Strategy or stopping rule end the trial. */
  record Stop(String rule, int epoch, String reason) implements TrialCommand {}
}
