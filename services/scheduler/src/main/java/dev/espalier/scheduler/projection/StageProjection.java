package dev.espalier.scheduler.projection;

import dev.espalier.scheduler.wire.Labels;
import dev.espalier.scheduler.wire.SharedWire;
import dev.espalier.schemas.stage.v1.AttemptEnded;
import dev.espalier.schemas.stage.v1.CheckpointSaved;
import dev.espalier.schemas.stage.v1.EpochEvaluated;
import dev.espalier.schemas.stage.v1.FailureCause;
import dev.espalier.schemas.stage.v1.Measurement;
import dev.espalier.schemas.stage.v1.StageClaimed;
import dev.espalier.schemas.stage.v1.StageEvent;
import dev.espalier.schemas.stage.v1.StageInput;
import dev.espalier.schemas.stage.v1.StageOutput;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.schemas.stage.v1.StageStarted;
import dev.espalier.schemas.stage.v1.StageSucceeded;
import dev.espalier.schemas.stage.v1.StaleReportRejected;
import dev.espalier.sweep.lifecycle.StageState;
import dev.espalier.sweep.lifecycle.StageState.Status;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/** Keeps {@code stage} and the tables around it; takes away the lease of an attempt that ended. */
public final class StageProjection {

  private static final String RUNNABLE = "RUNNABLE";

  private static final String REQUEST =
      """
      insert into stage (stage_id, kind, algorithm, algorithm_version, device_kind, seed, team,
        spec, labels, state, requested_at, runnable_at)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      on conflict (stage_id) do update set
        state = 'WAITING', requested_at = excluded.requested_at, runnable_at = null,
        worker_id = null, device = null, host = null, started_at = null, ended_at = null,
        wall_seconds = null, failure_category = null, failure_code = null, failure_message = null
      """;

  private static final String INPUT =
      """
      insert into stage_input (stage_id, role, input_stage_id, output) values (?, ?, ?, ?)
      on conflict do nothing
      """;

  private static final String STATE =
      """
      update stage set state = ?, held = ?, retry_at = ?, attempts = ?, worker_losses = ?,
        generation = ?
      where stage_id = ?
      """;

  private static final String BECOMES_RUNNABLE =
      """
      update stage set runnable_at = ?, state = ?, held = ?, retry_at = ?, attempts = ?,
        worker_losses = ?, generation = ?
      where stage_id = ?
      """;

  private static final String CLAIM =
      """
      insert into stage_claim (stage_id, trial_id, sweep_id, priority, claimed_at, reused)
      values (?, ?, ?, ?, ?, ?)
      """;

  /** Of its live claimants: the oldest and the best priority; of all, the longest walk. */
  private static final String FIRST_CLAIMANT =
      """
      update stage set sweep_id = ?, trial_id = ?, priority = ?, remaining = greatest(remaining, ?)
      where stage_id = ?
      """;

  private static final String NEXT_CLAIMANT =
      """
      update stage set priority = greatest(priority, ?), remaining = greatest(remaining, ?)
      where stage_id = ?
      """;

  private static final String CLAIMANT_LEFT =
      "update stage set sweep_id = ?, trial_id = ?, priority = ? where stage_id = ?";

  private static final String ASSIGN =
      """
      insert into attempt (stage_id, generation, worker_id, lease_id, device, assigned_at, outcome,
        team, sweep_id)
      values (?, ?, ?, ?, ?, ?, 'RUNNING', ?, ?)
      """;

  private static final String END_ATTEMPT =
      """
      update attempt set outcome = ?, ended_at = ?, cause_category = ?, cause_code = ?,
        cause_message = ?
      where stage_id = ? and generation = ? and outcome = 'RUNNING'
      """;

  private static final String EPOCH =
      """
      insert into epoch_evaluated (stage_id, generation, epoch, step, top1, top5, val_loss,
        train_loss, recorded_at)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?)
      on conflict (stage_id, epoch) do update set
        generation = excluded.generation, step = excluded.step, top1 = excluded.top1,
        top5 = excluded.top5, val_loss = excluded.val_loss, train_loss = excluded.train_loss,
        recorded_at = excluded.recorded_at
      """;

  private static final String FAIL =
      """
      update stage set ended_at = ?, failure_category = ?, failure_code = ?, failure_message = ?
      where stage_id = ?
      """;

  private static final String STALE =
      """
      insert into stale_report (report_event_id, stage_id, worker_id, generation,
        current_generation, report_type, recorded_at)
      values (?, ?, ?, ?, ?, ?, ?)
      on conflict do nothing
      """;

  /**
   * @param before the stage without this event
   * @param after the stage with it
   */
  public void apply(Statements statements, StageEvent event, StageState before, StageState after) {
    String id = event.getStageId();
    Instant at = SharedWire.instant(event.getOccurredAt());
    switch (event.getEventCase()) {
      case STAGE_REQUESTED -> request(statements, event, after, at);
      case STAGE_CLAIMED -> claim(statements, id, event.getStageClaimed(), before, at);
      case STAGE_RELEASED -> {
        statements.add(
            "update stage_claim set live = false where stage_id = ? and trial_id = ?",
            id,
            event.getStageReleased().getTrialId());
        claimants(statements, id, after);
      }
      case STAGE_ASSIGNED -> {
        statements.add(
            ASSIGN,
            id,
            event.getStageAssigned().getGeneration(),
            event.getStageAssigned().getWorkerId(),
            UUID.fromString(event.getStageAssigned().getLeaseId()),
            event.getStageAssigned().getDevice(),
            at,
            event.getTeam(),
            charged(before));
        statements.add(
            "update stage set worker_id = ?, device = ?, started_at = ? where stage_id = ?",
            event.getStageAssigned().getWorkerId(),
            event.getStageAssigned().getDevice(),
            at,
            id);
      }
      case STAGE_STARTED -> start(statements, id, event.getStageStarted(), after, at);
      case CHECKPOINT_SAVED -> checkpoint(statements, id, event.getCheckpointSaved());
      case EPOCH_EVALUATED -> epoch(statements, id, event.getEpochEvaluated(), after, at);
      case STAGE_SUCCEEDED -> succeed(statements, id, event.getStageSucceeded(), after, at);
      case ATTEMPT_ENDED -> {
        AttemptEnded ended = event.getAttemptEnded();
        endAttempt(statements, id, ended.getGeneration(), "ENDED", at, ended.getCause());
      }
      case STAGE_FAILED -> {
        FailureCause cause = event.getStageFailed().getCause();
        statements.add(
            FAIL, at, SharedWire.category(cause), cause.getCode(), cause.getMessage(), id);
        statements.add("update stage_claim set live = false where stage_id = ?", id);
      }
      case STAGE_CANCELLED -> {
        endAttempt(statements, id, after.generation(), "CANCELLED", at, null);
        statements.add("update stage set ended_at = ? where stage_id = ?", at, id);
      }
      case STAGE_PREEMPTED ->
          statements.add("update lease set yielding = true where stage_id = ?", id);
      case STALE_REPORT_REJECTED -> stale(statements, id, event.getStaleReportRejected(), at);
      case STAGE_FORGOTTEN -> ForgottenStage.delete(statements, id);
      case STAGE_INPUT_ARRIVED, STAGE_HELD, STAGE_RELEASED_FROM_HOLD -> {} // In the state below.
      case EVENT_NOT_SET -> throw new IllegalArgumentException("expected an event of stage " + id);
    }
    if (before.status() instanceof Status.Running && !(after.status() instanceof Status.Running)) {
      statements.add("delete from lease where stage_id = ?", id);
    }
    state(statements, id, before, after, at);
  }

  private static void request(
      Statements statements, StageEvent event, StageState after, Instant at) {
    StageSpec spec = event.getStageRequested().getSpec();
    statements.add(
        REQUEST,
        event.getStageId(),
        SharedWire.kind(spec.getKind()),
        spec.getAlgorithm(),
        spec.getAlgorithmVersion(),
        spec.getNumerics().getDeviceKind(),
        spec.getSeed(),
        event.getTeam(),
        spec.toByteArray(),
        Labels.of(spec),
        name(after),
        at,
        name(after).equals(RUNNABLE) ? at : null);
    for (StageInput input : spec.getInputsList()) {
      statements.add(
          INPUT, event.getStageId(), input.getRole(), input.getStageId(), input.getOutput());
    }
  }

  private static void claim(
      Statements statements, String id, StageClaimed claimed, StageState before, Instant at) {
    statements.add(
        CLAIM,
        id,
        claimed.getTrialId(),
        claimed.getSweepId(),
        claimed.getPriority(),
        at,
        before.status() instanceof Status.Succeeded);
    if (before.claims().isEmpty()) {
      statements.add(
          FIRST_CLAIMANT,
          claimed.getSweepId(),
          claimed.getTrialId(),
          claimed.getPriority(),
          claimed.getRemainingStages(),
          id);
    } else {
      statements.add(NEXT_CLAIMANT, claimed.getPriority(), claimed.getRemainingStages(), id);
    }
  }

  private static void claimants(Statements statements, String id, StageState after) {
    statements.add(
        CLAIMANT_LEFT,
        charged(after),
        oldest(after).map(Map.Entry::getKey).orElse(null),
        after.claims().values().stream().mapToInt(StageState.Claim::priority).max().orElse(0),
        id);
  }

  /** The sweep of the oldest claimant, or null. */
  private static String charged(StageState stage) {
    return oldest(stage).map(claim -> claim.getValue().sweepId()).orElse(null);
  }

  private static Optional<Map.Entry<String, StageState.Claim>> oldest(StageState stage) {
    return stage.claims().entrySet().stream().findFirst();
  }

  private static void start(
      Statements statements, String id, StageStarted started, StageState after, Instant at) {
    statements.add(
        "update attempt set started_at = ?, host = ?, resumed_from_step = ?"
            + " where stage_id = ? and generation = ?",
        at,
        started.getHost(),
        started.getResumedFromStep(),
        id,
        after.generation());
    statements.add(
        "update stage set started_at = ?, host = ? where stage_id = ?", at, started.getHost(), id);
  }

  private static void checkpoint(Statements statements, String id, CheckpointSaved saved) {
    statements.add(
        "update stage set checkpoint = ?, checkpoint_step = ? where stage_id = ?",
        saved.getCheckpoint().toByteArray(),
        saved.getStep(),
        id);
  }

  private static void epoch(
      Statements statements, String id, EpochEvaluated epoch, StageState after, Instant at) {
    statements.add(
        EPOCH,
        id,
        after.generation(),
        epoch.getEpoch(),
        epoch.getStep(),
        epoch.getTop1Accuracy(),
        epoch.getTop5Accuracy(),
        epoch.getValidationLoss(),
        epoch.getTrainLoss(),
        at);
  }

  private static void succeed(
      Statements statements, String id, StageSucceeded succeeded, StageState after, Instant at) {
    for (StageOutput output : succeeded.getOutputsList()) {
      statements.add(
          "insert into stage_output (stage_id, name, sha256, size_bytes, media_type)"
              + " values (?, ?, ?, ?, ?) on conflict do nothing",
          id,
          output.getName(),
          output.getArtifact().getSha256(),
          output.getArtifact().getSizeBytes(),
          output.getArtifact().getMediaType());
    }
    for (Measurement measurement : succeeded.getMeasurementsList()) {
      statements.add(
          "insert into measurement (stage_id, name, value) values (?, ?, ?)"
              + " on conflict do nothing",
          id,
          measurement.getName(),
          measurement.getValue());
    }
    endAttempt(statements, id, after.generation(), "SUCCEEDED", at, null);
    statements.add(
        "update stage set ended_at = ?, wall_seconds = ? where stage_id = ?",
        at,
        succeeded.getWallSeconds(),
        id);
  }

  private static void endAttempt(
      Statements statements,
      String id,
      long generation,
      String outcome,
      Instant at,
      FailureCause cause) {
    statements.add(
        END_ATTEMPT,
        outcome,
        at,
        cause == null ? null : SharedWire.category(cause),
        cause == null ? null : cause.getCode(),
        cause == null ? null : cause.getMessage(),
        id,
        generation);
  }

  private static void stale(
      Statements statements, String id, StaleReportRejected stale, Instant at) {
    statements.add(
        STALE,
        stale.getReportEventId(),
        id,
        stale.getWorkerId(),
        stale.getGeneration(),
        stale.getCurrentGeneration(),
        stale.getReportType(),
        at);
  }

  /** Most events leave it as it is. */
  private static void state(
      Statements statements, String id, StageState before, StageState after, Instant at) {
    String name = name(after);
    if (before.status() instanceof Status.Absent || after.status() instanceof Status.Absent) {
      return; // It was inserted as it is, or is gone.
    }
    if (name.equals(name(before))
        && after.held() == before.held()
        && Objects.equals(retryAt(after), retryAt(before))
        && after.attempts() == before.attempts()
        && after.workerLosses() == before.workerLosses()
        && after.generation() == before.generation()) {
      return;
    }
    List<Object> values =
        new ArrayList<>(
            Arrays.asList(
                name,
                after.held(),
                retryAt(after),
                after.attempts(),
                after.workerLosses(),
                after.generation(),
                id));
    boolean becomesRunnable = name.equals(RUNNABLE) && !name(before).equals(RUNNABLE);
    if (becomesRunnable) {
      values.add(0, at);
    }
    statements.add(becomesRunnable ? BECOMES_RUNNABLE : STATE, values.toArray());
  }

  private static Instant retryAt(StageState stage) {
    return stage.status() instanceof Status.Waiting waiting
            && waiting.retryAt().isAfter(Instant.EPOCH)
            && waiting.retryAt().isBefore(Instant.MAX)
        ? waiting.retryAt()
        : null;
  }

  private static String name(StageState stage) {
    Status status = stage.status();
    if (status instanceof Status.Waiting) {
      return stage.hasInputs() ? RUNNABLE : "WAITING";
    }
    if (status instanceof Status.Running) {
      return "RUNNING";
    }
    if (status instanceof Status.Succeeded) {
      return "SUCCEEDED";
    }
    return status instanceof Status.Failed ? "FAILED" : "CANCELLED";
  }
}
