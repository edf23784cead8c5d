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
}
