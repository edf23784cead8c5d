package dev.espalier.sweep.lifecycle;

import java.util.List;
import java.util.Set;

/** What a stage is asked or told. */
public sealed interface StageCommand {

  /**
   * A trial wants the stage's outputs.
   *
   * @param remaining stages that are left of the trial's walk, this one included
   */
  record Claim(Set<String> inputs, String trialId, String sweepId, int priority, int remaining)
      implements StageCommand {
    public Claim {
      inputs = Set.copyOf(inputs);
    }
  }

  record Release(String trialId, String reason) implements StageCommand {}

  record ReceiveInput(String stageId, List<Output> outputs) implements StageCommand {
    public ReceiveInput {
      outputs = List.copyOf(outputs);
    }
  }

  /** Give the stage to a worker, if it may run now. */
  record Assign(String workerId, String leaseId, String device) implements StageCommand {}

  /** A worker reports under its lease. */
  record Accept(String reportEventId, Lease lease, Report report) implements StageCommand {}

  /** The lease ran out. */
  record Expire(Lease lease) implements StageCommand {}

  /** The lease is renewed but its stage makes no headway. */
  record Stall(Lease lease, String message) implements StageCommand {}

  /** Others have a better claim to the slot. */
  record Preempt(Lease lease, String reason) implements StageCommand {}

  /** Carried out only while the holder is paused. */
  record Hold(Holder holder, String reason) implements StageCommand {}

  /** Carried out only while the holder is not paused. */
  record ReleaseFromHold(Holder holder) implements StageCommand {}

  /**
   * Its results may go if nobody else has claimed it.
   *
   * @param deleted sweeps that are deleted
   */
  record Forget(Set<String> deleted) implements StageCommand {
    public Forget {
      deleted = Set.copyOf(deleted);
    }
  }

  /** What a worker says of its attempt. */
  sealed interface Report {

    /** Name as on the wire, such as {@code stage_succeeded}. */
    String type();

    record Started(StageEvent.Started started) implements Report {
      @Override
      public String type() {
        return "stage_started";
      }
    }

    record CheckpointSaved(StageEvent.CheckpointSaved saved) implements Report {
      @Override
      public String type() {
        return "checkpoint_saved";
      }
    }

    record EpochEvaluated(StageEvent.EpochEvaluated evaluated) implements Report {
      @Override
      public String type() {
        return "epoch_evaluated";
      }
    }

    record Succeeded(StageEvent.Succeeded succeeded) implements Report {
      @Override
      public String type() {
        return "stage_succeeded";
      }
    }

    record Failed(FailureCause cause) implements Report {
      @Override
      public String type() {
        return "attempt_failed";
      }
    }

    record Interrupted(String reason) implements Report {
      @Override
      public String type() {
        return "stage_interrupted";
      }
    }
  }
}
