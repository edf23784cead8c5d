package dev.espalier.scheduler.projection;

import dev.espalier.scheduler.stream.SharedWire;
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
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.UUID;

/** Keeps {@code stage} and the tables around it; takes away the lease of an attempt that ended. */
public final class StageProjection {

  private static final String CATEGORY_PREFIX = "FAILURE_CATEGORY_";

  private static final String REQUEST =
      """
      insert into stage (stage_id, kind, algorithm, algorithm_version, device_kind, seed, team,
        spec, state, requested_at)
      values (?, ?, ?, ?, ?, ?, ?, ?, 'WAITING', ?)
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
      update stage set
        runnable_at = case when ? = 'RUNNABLE' and state <> 'RUNNABLE' then ? else runnable_at end,
        state = ?, held = ?, retry_at = ?, attempts = ?, worker_losses = ?, generation = ?
      where stage_id = ?
      """;

  private static final String CLAIM =
      """
      insert into stage_claim (stage_id, trial_id, sweep_id, priority, claimed_at, reused)
      values (?, ?, ?, ?, ?, ?)
      """;

  private static final String CLAIMANTS =
      """
      update stage set
        (sweep_id, trial_id) = (
          select sweep_id, trial_id from stage_claim
          where stage_id = ? and live order by claimed_at, trial_id limit 1),
        priority = coalesce(
          (select max(priority) from stage_claim where stage_id = ? and live), 0)
      where stage_id = ?
      """;

  private static final String REMAINING =
      "update stage set remaining = greatest(remaining, ?) where stage_id = ?";

  private static final String ASSIGN =
      """
      insert into attempt (stage_id, generation, worker_id, lease_id, device, assigned_at, outcome,
        team, sweep_id)
      select stage_id, ?, ?, ?, ?, ?, 'RUNNING', team, sweep_id from stage where stage_id = ?
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
  public void apply(Connection connection, StageEvent event, StageState before, StageState after)
      throws SQLException {
    String id = event.getStageId();
    Instant at = SharedWire.instant(event.getOccurredAt());
    switch (event.getEventCase()) {
      case STAGE_REQUESTED -> request(connection, event, event.getStageRequested().getSpec());
      case STAGE_CLAIMED -> claim(connection, id, event.getStageClaimed(), before, at);
      case STAGE_RELEASED -> {
        Sql.run(
            connection,
            "update stage_claim set live = false where stage_id = ? and trial_id = ?",
            id,
            event.getStageReleased().getTrialId());
        Sql.run(connection, CLAIMANTS, id, id, id);
      }
      case STAGE_ASSIGNED -> {
        Sql.run(
            connection,
            ASSIGN,
            event.getStageAssigned().getGeneration(),
            event.getStageAssigned().getWorkerId(),
            UUID.fromString(event.getStageAssigned().getLeaseId()),
            event.getStageAssigned().getDevice(),
            at,
            id);
        Sql.run(
            connection,
            "update stage set worker_id = ?, device = ?, started_at = ? where stage_id = ?",
            event.getStageAssigned().getWorkerId(),
            event.getStageAssigned().getDevice(),
            at,
            id);
      }
      case STAGE_STARTED -> start(connection, id, event.getStageStarted(), after, at);
      case CHECKPOINT_SAVED -> checkpoint(connection, id, event.getCheckpointSaved());
      case EPOCH_EVALUATED -> epoch(connection, id, event.getEpochEvaluated(), after, at);
      case STAGE_SUCCEEDED -> succeed(connection, id, event.getStageSucceeded(), after, at);
      case ATTEMPT_ENDED -> {
        AttemptEnded ended = event.getAttemptEnded();
        endAttempt(connection, id, ended.getGeneration(), "ENDED", at, ended.getCause());
      }
      case STAGE_FAILED -> {
        FailureCause cause = event.getStageFailed().getCause();
        Sql.run(connection, FAIL, at, category(cause), cause.getCode(), cause.getMessage(), id);
        Sql.run(connection, "update stage_claim set live = false where stage_id = ?", id);
      }
      case STAGE_CANCELLED -> {
        endAttempt(connection, id, after.generation(), "CANCELLED", at, null);
        Sql.run(connection, "update stage set ended_at = ? where stage_id = ?", at, id);
      }
      case STAGE_PREEMPTED ->
          Sql.run(connection, "update lease set yielding = true where stage_id = ?", id);
      case STALE_REPORT_REJECTED -> stale(connection, id, event.getStaleReportRejected(), at);
      case STAGE_INPUT_ARRIVED, STAGE_HELD, STAGE_RELEASED_FROM_HOLD -> {
        // All of it is in the state below.
      }
      case EVENT_NOT_SET -> throw new IllegalArgumentException("expected an event of stage " + id);
    }
    if (before.status() instanceof Status.Running && !(after.status() instanceof Status.Running)) {
      Sql.run(connection, "delete from lease where stage_id = ?", id);
    }
    state(connection, id, after, at);
  }

  static String category(FailureCause cause) {
    return cause.getCategory().name().substring(CATEGORY_PREFIX.length());
  }

  private static void request(Connection connection, StageEvent event, StageSpec spec)
      throws SQLException {
    Sql.run(
        connection,
        REQUEST,
        event.getStageId(),
        SharedWire.kind(spec.getKind()),
        spec.getAlgorithm(),
        spec.getAlgorithmVersion(),
        spec.getNumerics().getDeviceKind(),
        spec.getSeed(),
        event.getTeam(),
        spec.toByteArray(),
        event.getOccurredAt());
    for (StageInput input : spec.getInputsList()) {
      Sql.run(
          connection,
          INPUT,
          event.getStageId(),
          input.getRole(),
          input.getStageId(),
          input.getOutput());
    }
  }

  private static void claim(
      Connection connection, String id, StageClaimed claimed, StageState before, Instant at)
      throws SQLException {
    Sql.run(
        connection,
        CLAIM,
        id,
        claimed.getTrialId(),
        claimed.getSweepId(),
        claimed.getPriority(),
        at,
        before.status() instanceof Status.Succeeded);
    Sql.run(connection, CLAIMANTS, id, id, id);
    Sql.run(connection, REMAINING, claimed.getRemainingStages(), id);
  }

  private static void start(
      Connection connection, String id, StageStarted started, StageState after, Instant at)
      throws SQLException {
    Sql.run(
        connection,
        "update attempt set started_at = ?, host = ?, resumed_from_step = ?"
            + " where stage_id = ? and generation = ?",
        at,
        started.getHost(),
        started.getResumedFromStep(),
        id,
        after.generation());
    Sql.run(
        connection,
        "update stage set started_at = ?, host = ? where stage_id = ?",
        at,
        started.getHost(),
        id);
  }

  private static void checkpoint(Connection connection, String id, CheckpointSaved saved)
      throws SQLException {
    Sql.run(
        connection,
        "update stage set checkpoint = ?, checkpoint_step = ? where stage_id = ?",
        saved.getCheckpoint().toByteArray(),
        saved.getStep(),
        id);
  }

  private static void epoch(
      Connection connection, String id, EpochEvaluated epoch, StageState after, Instant at)
      throws SQLException {
    Sql.run(
        connection,
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
      Connection connection, String id, StageSucceeded succeeded, StageState after, Instant at)
      throws SQLException {
    for (StageOutput output : succeeded.getOutputsList()) {
      Sql.run(
          connection,
          "insert into stage_output (stage_id, name, sha256, size_bytes, media_type)"
              + " values (?, ?, ?, ?, ?) on conflict do nothing",
          id,
          output.getName(),
          output.getArtifact().getSha256(),
          output.getArtifact().getSizeBytes(),
          output.getArtifact().getMediaType());
    }
    for (Measurement measurement : succeeded.getMeasurementsList()) {
      Sql.run(
          connection,
          "insert into measurement (stage_id, name, value) values (?, ?, ?)"
              + " on conflict do nothing",
          id,
          measurement.getName(),
          measurement.getValue());
    }
    endAttempt(connection, id, after.generation(), "SUCCEEDED", at, null);
    Sql.run(
        connection,
        "update stage set ended_at = ?, wall_seconds = ? where stage_id = ?",
        at,
        succeeded.getWallSeconds(),
        id);
  }

  private static void endAttempt(
      Connection connection,
      String id,
      long generation,
      String outcome,
      Instant at,
      FailureCause cause)
      throws SQLException {
    Sql.run(
        connection,
        END_ATTEMPT,
        outcome,
        at,
        cause == null ? null : category(cause),
        cause == null ? null : cause.getCode(),
        cause == null ? null : cause.getMessage(),
        id,
        generation);
  }

  private static void stale(Connection connection, String id, StaleReportRejected stale, Instant at)
      throws SQLException {
    Sql.run(
        connection,
        STALE,
        stale.getReportEventId(),
        id,
        stale.getWorkerId(),
        stale.getGeneration(),
        stale.getCurrentGeneration(),
        stale.getReportType(),
        at);
  }

  private static void state(Connection connection, String id, StageState after, Instant at)
      throws SQLException {
    String name = name(after);
    Instant retryAt =
        after.status() instanceof Status.Waiting waiting
                && waiting.retryAt().isAfter(Instant.EPOCH)
                && waiting.retryAt().isBefore(Instant.MAX)
            ? waiting.retryAt()
            : null;
    Sql.run(
        connection,
        STATE,
        name,
        at,
        name,
        after.held(),
        retryAt,
        after.attempts(),
        after.workerLosses(),
        after.generation(),
        id);
  }

  private static String name(StageState stage) {
    Status status = stage.status();
    if (status instanceof Status.Waiting) {
      return stage.hasInputs() ? "RUNNABLE" : "WAITING";
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
