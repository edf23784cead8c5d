package dev.espalier.sweep.lifecycle;

import java.time.Instant;
import java.util.List;
import java.util.Set;

/** What happened in a stage. */
public sealed interface StageEvent {

  /** Somebody wants the stage: for the first time, or again after it failed or was cancelled. */
  record Requested(Set<String> inputs) implements StageEvent {
    public Requested {
      inputs = Set.copyOf(inputs);
    }
  }

  /**
   * A trial joins.
   *
   * @param remaining stages that are left of its walk, this one included; 0 if not known
   */
  record Claimed(String trialId, String sweepId, int priority, int remaining)
      implements StageEvent {}

  /** A trial leaves, and does not come back. */
  record Released(String trialId, String reason) implements StageEvent {}

  record InputArrived(String stageId, List<Output> outputs) implements StageEvent {
    public InputArrived {
      outputs = List.copyOf(outputs);
    }
  }

  record Assigned(String workerId, String leaseId, long generation, String device)
      implements StageEvent {}

  record Started(String device, String host, long resumedFromStep) implements StageEvent {}

  record CheckpointSaved(Artifact checkpoint, long step) implements StageEvent {}

  record EpochEvaluated(
      int epoch,
      long step,
      double top1Accuracy,
      double top5Accuracy,
      double validationLoss,
      double trainLoss)
      implements StageEvent {}

  record Succeeded(List<Output> outputs, List<Measurement> measurements, double wallSeconds)
      implements StageEvent {
    public Succeeded {
      outputs = List.copyOf(outputs);
      measurements = List.copyOf(measurements);
    }
  }

  /**
   * An attempt ended without success.
   *
   * @param retryAt null if the stage has failed for good
   * @param counted whether it counts towards the limit of attempts
   */
  record AttemptEnded(
      long generation, String workerId, FailureCause cause, Instant retryAt, boolean counted)
      implements StageEvent {}

  record Failed(FailureCause cause, int attempts) implements StageEvent {}

  record Cancelled(String reason) implements StageEvent {}

  /** A report under an old lease: recorded, without effect. */
  record StaleReportRejected(
      String reportEventId,
      String workerId,
      long generation,
      long currentGeneration,
      String reportType)
      implements StageEvent {}

  /** The attempt must give its slot back after a checkpoint; the stage waits for another. */
  record Preempted(long generation, String reason) implements StageEvent {}

  /** A claiming sweep or trial does not want it to run now. */
  record Held(Holder holder, String reason) implements StageEvent {}

  record ReleasedFromHold(Holder holder) implements StageEvent {}

  /**
   * All sweeps that claimed it are deleted: whoever wants it next has it done anew.
   *
   * @param generation of its latest lease
   */
  record Forgotten(long generation) implements StageEvent {}
}
