package dev.espalier.scheduler.projection;

import dev.espalier.scheduler.wire.SharedWire;
import dev.espalier.schemas.stage.v1.FailureCause;
import dev.espalier.schemas.stage.v1.Measurement;
import dev.espalier.schemas.trial.v1.TrialEvent;
import dev.espalier.schemas.trial.v1.TrialPlanned;
import dev.espalier.schemas.trial.v1.TrialStopped;
import java.util.List;

/** Keeps {@code trial}, {@code trial_stage} and {@code trial_measurement}. */
public final class TrialProjection {

  private static final List<String> TABLES = List.of("trial", "trial_stage", "trial_measurement");

  private static final String PLAN =
      """
      insert into trial (trial_id, sweep_id, cell_id, method, redistribution, target_kind,
        keep_ratio, seed, priority, state, planned_at)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'PLANNED', ?)
      """;

  private static final String WALK =
      "insert into trial_stage (trial_id, position, stage_id) values (?, ?, ?)";

  private static final String STEP =
      "update trial_stage set succeeded_at = ? where trial_id = ? and stage_id = ?";

  private static final String FAIL =
      """
      update trial set state = 'FAILED', paused = false, waits = false, ended_at = ?, failed_stage_id = ?, failure_category = ?,
        failure_code = ?, failure_message = ?
      where trial_id = ?
      """;

  private static final String END =
      "update trial set state = ?, ended_at = ?, paused = false, waits = false where trial_id = ?";

  private static final String CLIMB = "update trial set waits = ?, rung = ? where trial_id = ?";

  private static final String STOP =
      "update trial set stop_rule = ?, stop_epoch = ?, stop_reason = ? where trial_id = ?";

  private static final String PAUSE = "update trial set paused = ? where trial_id = ?";

  public void apply(Statements statements, TrialEvent event) {
    String id = event.getTrialId();
    switch (event.getEventCase()) {
      case TRIAL_PLANNED -> plan(statements, event, event.getTrialPlanned());
      case TRIAL_STAGE_SUCCEEDED -> {
        statements.add(
            STEP, event.getOccurredAt(), id, event.getTrialStageSucceeded().getStageId());
        statements.add(
            "update trial set state = 'RUNNING' where trial_id = ? and state = 'PLANNED'", id);
      }
      case TRIAL_SUCCEEDED -> {
        statements.add(END, "SUCCEEDED", event.getOccurredAt(), id);
        for (Measurement measurement : event.getTrialSucceeded().getMeasurementsList()) {
          statements.add(
              "insert into trial_measurement (trial_id, name, value) values (?, ?, ?)"
                  + " on conflict do nothing",
              id,
              measurement.getName(),
              measurement.getValue());
        }
      }
      case TRIAL_FAILED -> {
        FailureCause cause = event.getTrialFailed().getCause();
        statements.add(
            FAIL,
            event.getOccurredAt(),
            event.getTrialFailed().getStageId(),
            SharedWire.category(cause),
            cause.getCode(),
            cause.getMessage(),
            id);
      }
      case TRIAL_CANCELLED -> statements.add(END, "CANCELLED", event.getOccurredAt(), id);
      case TRIAL_PAUSED -> statements.add(PAUSE, true, id);
      case TRIAL_RESUMED -> statements.add(PAUSE, false, id);
      case TRIAL_AWAITS_PROMOTION ->
          statements.add(CLIMB, true, event.getTrialAwaitsPromotion().getRung(), id);
      case TRIAL_PROMOTED -> statements.add(CLIMB, false, event.getTrialPromoted().getRung(), id);
      case TRIAL_STOPPED -> {
        TrialStopped stopped = event.getTrialStopped();
        statements.add(END, "STOPPED", event.getOccurredAt(), id);
        statements.add(STOP, stopped.getRule(), stopped.getEpoch(), stopped.getReason(), id);
      }
      case TRIAL_DELETED ->
          TABLES.forEach(
              table -> statements.add("delete from " + table + " where trial_id = ?", id));
      case EVENT_NOT_SET -> throw new IllegalArgumentException("expected an event of trial " + id);
    }
  }

  private static void plan(Statements statements, TrialEvent event, TrialPlanned planned) {
    statements.add(
        PLAN,
        event.getTrialId(),
        planned.getSweepId(),
        planned.getCellId(),
        planned.getCell().getMethod(),
        planned.getCell().getRedistribution(),
        planned.getCell().getTargetKind(),
        planned.getCell().getKeepRatio(),
        planned.getSeed(),
        planned.getPriority(),
        event.getOccurredAt());
    for (int i = 0; i < planned.getStagesCount(); i++) {
      statements.add(WALK, event.getTrialId(), i, planned.getStages(i).getStageId());
    }
  }
}
