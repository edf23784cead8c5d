package dev.espalier.scheduler.retention;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.espalier.eventstore.EventPurge;
import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.StoredEvent;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.scheduler.wire.SweepWire;
import dev.espalier.schemas.sweep.v1.SweepEvent;
import dev.espalier.sweep.lifecycle.StageCommand;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Takes the history of sweeps away that were deleted long enough ago: stages that no other sweep
 * has claimed, with their results, trials, and the sweep's own events but the last one, which keeps
 * its id from being given again. Each step is a transaction of its own and may be repeated; the
 * sweep's events go last, so that whoever dies in between lets another go on.
 */
final class DeletedSweeps {

  private static final int TRIALS_AT_ONCE = 500;

  private static final String DUE =
      """
      select substr(d.stream, 7), d.version from event d
       where d.type = 'sweep_deleted' and d.recorded_at < clock_timestamp() - ? * interval '1 ms'
         and exists (select from event e where e.stream = d.stream and e.version < d.version)
       order by d.id limit 10
      """;

  /** Stages of a sweep, each with all sweeps that claim it, where all of those are due. */
  private static final String STAGES =
      """
      select c.stage_id, array_agg(distinct o.sweep_id)
        from (select distinct stage_id from stage_claim where sweep_id = ?) c
        join stage_claim o using (stage_id)
       group by c.stage_id
      having bool_and(exists (
        select from event d where d.stream = 'sweep-' || o.sweep_id and d.type = 'sweep_deleted'
          and d.recorded_at < clock_timestamp() - ? * interval '1 ms'))
      """;

  private static final String TEAM = "select team from stage where stage_id = ? for update";

  private static final List<String> OF_A_TRIAL =
      List.of("trial", "trial_stage", "trial_measurement");

  private final Transactions transactions;
  private final EventStore events;
  private final StageStreams stages;
  private final Duration kept;

  DeletedSweeps(Transactions transactions, EventStore events, StageStreams stages, Duration kept) {
    this.transactions = transactions;
    this.events = events;
    this.stages = stages;
    this.kept = kept;
  }

  /** Sweeps whose history went. */
  List<String> purge() throws SQLException {
    Map<String, Long> due = transactions.call(this::due);
    for (Map.Entry<String, Long> sweep : due.entrySet()) {
      for (Map.Entry<String, List<String>> stage :
          transactions.call(connection -> stages(connection, sweep.getKey())).entrySet()) {
        transactions.run(connection -> forget(connection, stage.getKey(), stage.getValue()));
      }
      List<String> trials = transactions.call(connection -> trials(connection, sweep.getKey()));
      for (int i = 0; i < trials.size(); i += TRIALS_AT_ONCE) {
        List<String> some = trials.subList(i, Math.min(trials.size(), i + TRIALS_AT_ONCE));
        transactions.run(connection -> forget(connection, some));
      }
      transactions.run(
          connection -> {
            run(connection, "delete from metric_point where sweep_id = ?", sweep.getKey());
            EventPurge.before(connection, "sweep-" + sweep.getKey(), sweep.getValue());
          });
    }
    return List.copyOf(due.keySet());
  }

  private Map<String, Long> due(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(DUE)) {
      statement.setLong(1, kept.toMillis());
      try (ResultSet rows = statement.executeQuery()) {
        Map<String, Long> due = new HashMap<>();
        while (rows.next()) {
          due.put(rows.getString(1), rows.getLong(2));
        }
        return due;
      }
    }
  }

  private Map<String, List<String>> stages(Connection connection, String sweepId)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(STAGES)) {
      statement.setString(1, sweepId);
      statement.setLong(2, kept.toMillis());
      try (ResultSet rows = statement.executeQuery()) {
        Map<String, List<String>> stages = new HashMap<>();
        while (rows.next()) {
          stages.put(rows.getString(1), List.of((String[]) rows.getArray(2).getArray()));
        }
        return stages;
      }
    }
  }

  /** Whoever claims the stage from now on has it done anew. */
  private void forget(Connection connection, String stageId, List<String> claimants)
      throws SQLException {
    String team;
    try (PreparedStatement statement = connection.prepareStatement(TEAM)) {
      statement.setString(1, stageId);
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          return;
        }
        team = row.getString(1);
      }
    }
    Cause cause = new Cause("", Cause.SCHEDULER, team, TraceContext.start());
    StageCommand forget = new StageCommand.Forget(Set.copyOf(claimants));
    if (stages.decide(connection, stageId, forget, cause).isEmpty()) {
      return; // Somebody has claimed it meanwhile.
    }
    String stream = StageStreams.stream(stageId);
    EventPurge.before(connection, stream, events.version(connection, stream));
    run(connection, "delete from metric_point where stage_id = ?", stageId);
  }

  private List<String> trials(Connection connection, String sweepId) throws SQLException {
    List<String> trials = new ArrayList<>();
    for (StoredEvent event : events.load(connection, "sweep-" + sweepId)) {
      try {
        if (SweepWire.read(SweepEvent.parseFrom(event.payload())).orElse(null)
            instanceof dev.espalier.sweep.lifecycle.SweepEvent.TrialsPlanned planned) {
          trials.addAll(planned.trialIds());
        }
      } catch (InvalidProtocolBufferException e) {
        throw new SQLException("expected an event of sweep " + sweepId + " to parse", e);
      }
    }
    return trials;
  }

  private static void forget(Connection connection, List<String> trials) throws SQLException {
    for (String table : OF_A_TRIAL) {
      try (PreparedStatement statement =
          connection.prepareStatement("delete from " + table + " where trial_id = any(?)")) {
        statement.setArray(1, connection.createArrayOf("text", trials.toArray()));
        statement.executeUpdate();
      }
    }
    EventPurge.all(connection, trials.stream().map(trial -> "trial-" + trial).toList());
  }

  private static void run(Connection connection, String sql, String id) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      statement.setString(1, id);
      statement.executeUpdate();
    }
  }
}
