package dev.espalier.scheduler.assignment;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.AssignStage;
import dev.espalier.schemas.stage.v1.ResolvedInput;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.sweep.assignment.Assignment;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** What the commands of a batch of assignments are made of, each kind of row read at once. */
final class AssignmentRows {

  /** Whoever decides about a stage now is left alone; the next round will see what came of it. */
  private static final String LOCK_STAGES =
      """
      select s.* from unnest(?::text[]) as wanted (id), lateral (
        select stage_id, spec, team, sweep_id, trial_id, checkpoint, checkpoint_step
        from stage where stage_id = wanted.id and state = 'RUNNABLE' for update skip locked) s
      """;

  private static final String INPUTS =
      """
      select r.* from unnest(?::text[]) as wanted (id), lateral (
        select i.stage_id, i.role, o.sha256, o.size_bytes, o.media_type
        from stage_input i
          join stage_output o on o.stage_id = i.input_stage_id and o.name = i.output
        where i.stage_id = wanted.id order by i.role) r
      """;

  /** The latest event of a runnable stage is what made it runnable. */
  private static final String LATEST_EVENTS =
      """
      select e.stream, e.event_id, e.traceparent
      from unnest(?::text[]) as wanted (name), lateral (
        select stream, event_id, traceparent from event
        where stream = wanted.name order by version desc limit 1) e
      """;

  private AssignmentRows() {}

  /** A stage that may be given away, and the command that gives it, as far as it is known. */
  record Given(String team, AssignStage.Builder command) {}

  static Map<String, Given> lock(Connection connection, List<Assignment> assignments)
      throws SQLException {
    Map<String, Given> locked = new HashMap<>();
    try (var statement = connection.prepareStatement(LOCK_STAGES)) {
      statement.setArray(
          1,
          connection.createArrayOf(
              "text", assignments.stream().map(Assignment::stageId).sorted().toArray()));
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          AssignStage.Builder command =
              AssignStage.newBuilder()
                  .setSpec(StageSpec.parseFrom(row.getBytes("spec")))
                  .setSweepId(row.getString("sweep_id"))
                  .setTrialId(row.getString("trial_id"));
          byte[] checkpoint = row.getBytes("checkpoint");
          if (checkpoint != null) {
            command
                .setCheckpoint(ArtifactRef.parseFrom(checkpoint))
                .setCheckpointStep(row.getLong("checkpoint_step"));
          }
          locked.put(row.getString("stage_id"), new Given(row.getString("team"), command));
        }
      } catch (InvalidProtocolBufferException e) {
        throw new IllegalStateException("expected stage specs in the rows of " + assignments, e);
      }
    }
    return locked;
  }

  static Map<String, List<ResolvedInput>> inputs(Connection connection, Set<String> stageIds)
      throws SQLException {
    Map<String, List<ResolvedInput>> inputs = new HashMap<>();
    try (var statement = connection.prepareStatement(INPUTS)) {
      statement.setArray(1, connection.createArrayOf("text", stageIds.toArray()));
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          inputs
              .computeIfAbsent(rows.getString(1), id -> new ArrayList<>())
              .add(
                  ResolvedInput.newBuilder()
                      .setRole(rows.getString(2))
                      .setArtifact(
                          ArtifactRef.newBuilder()
                              .setUri("artifact:" + rows.getString(3))
                              .setSha256(rows.getString(3))
                              .setSizeBytes(rows.getLong(4))
                              .setMediaType(rows.getString(5)))
                      .build());
        }
        return inputs;
      }
    }
  }

  static Map<String, Cause> causes(Connection connection, Map<String, Given> stages)
      throws SQLException {
    Map<String, Cause> causes = new HashMap<>();
    try (var statement = connection.prepareStatement(LATEST_EVENTS)) {
      statement.setArray(
          1,
          connection.createArrayOf(
              "text", stages.keySet().stream().map(StageStreams::stream).toArray()));
      try (ResultSet row = statement.executeQuery()) {
        while (row.next()) {
          String stageId = StageStreams.stageId(row.getString(1));
          causes.put(
              stageId,
              new Cause(
                  row.getString(2),
                  Cause.SCHEDULER,
                  stages.get(stageId).team,
                  TraceContext.parse(row.getString(3))
                      .map(TraceContext::next)
                      .orElseGet(TraceContext::start)));
        }
      }
    }
    return causes;
  }

  static Map<String, String> devices(Connection connection, List<Assignment> assignments)
      throws SQLException {
    Map<String, String> devices = new HashMap<>();
    Set<String> workers =
        assignments.stream().map(Assignment::workerId).collect(Collectors.toSet());
    try (var statement =
        connection.prepareStatement(
            "select worker_id, device from worker where worker_id = any(?)")) {
      statement.setArray(1, connection.createArrayOf("text", workers.toArray()));
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          devices.put(rows.getString(1), rows.getString(2));
        }
      }
    }
    return devices;
  }
}
