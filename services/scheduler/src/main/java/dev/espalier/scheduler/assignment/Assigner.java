package dev.espalier.scheduler.assignment;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.NewEvent;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.trace.TraceContext;
import dev.espalier.messaging.worker.WorkerPartition;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.Clock;
import dev.espalier.scheduler.stream.SharedWire;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.AssignStage;
import dev.espalier.schemas.stage.v1.ResolvedInput;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.sweep.assignment.Assignment;
import dev.espalier.sweep.assignment.AssignmentPolicy;
import dev.espalier.sweep.assignment.Occupation;
import dev.espalier.sweep.assignment.Offer;
import dev.espalier.sweep.assignment.Worker;
import dev.espalier.sweep.lifecycle.StageCommand;
import dev.espalier.sweep.lifecycle.StageEvent;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * Gives stages to workers, a batch in one transaction. An advisory lock lets one replica at a time
 * count slots and shares, so that the counts are right; any replica may be the one. This is the one
 * place where a transaction changes several streams.
 */
public final class Assigner {

  private static final long LOCK = 0x45535041_4C494552L;

  /** A wait for a decision, for a slot, for a long queue. */
  private static final Duration[] WAITS = {
    Duration.ofMillis(10),
    Duration.ofMillis(50),
    Duration.ofMillis(100),
    Duration.ofMillis(250),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5),
    Duration.ofSeconds(30),
    Duration.ofMinutes(2),
    Duration.ofMinutes(10),
    Duration.ofHours(1)
  };

  private static final String LOCK_STAGE =
      """
      select spec, team, sweep_id, trial_id, checkpoint, checkpoint_step
      from stage where stage_id = ? and state = 'RUNNABLE' for update skip locked
      """;

  private static final String INPUTS =
      """
      select i.role, o.sha256, o.size_bytes, o.media_type
      from stage_input i join stage_output o on o.stage_id = i.input_stage_id and o.name = i.output
      where i.stage_id = ? order by i.role
      """;

  private static final String LATEST_EVENT =
      """
      select event_id, traceparent from event where stream = ? order by version desc limit 1
      """;

  private static final String LEASE =
      """
      insert into lease (stage_id, lease_id, generation, worker_id, sweep_id, trial_id, alone,
        assigned_at, until, progress_at)
      values (?, ?, ?, ?, ?, ?, ?, clock_timestamp(), clock_timestamp() + ? * interval '1 ms',
        clock_timestamp())
      """;

  private final Transactions transactions;
  private final EventStore events;
  private final StageStreams stages;
  private final AssignmentPolicy policy;
  private final AttemptLedger ledger;
  private final DeviceHours hours;
  private final LeaseSettings settings;
  private final MeterRegistry metrics;

  public Assigner(
      Transactions transactions,
      EventStore events,
      StageStreams stages,
      AssignmentPolicy policy,
      Duration useHalfLife,
      LeaseSettings settings,
      MeterRegistry metrics) {
    this.transactions = transactions;
    this.events = events;
    this.stages = stages;
    this.policy = policy;
    this.ledger = new AttemptLedger(useHalfLife);
    this.hours = new DeviceHours(policy.teams());
    this.settings = settings;
    this.metrics = metrics;
  }

  /**
   * Assigns what can be assigned now.
   *
   * @return how many stages
   */
  public int assign() throws SQLException {
    List<Offer> given = transactions.call(this::assign);
    Instant now = Instant.now();
    for (Offer offer : given) {
      Timer.builder("espalier.stage.wait")
          .tag("stage", offer.needs().kind().toLowerCase(Locale.ROOT))
          .serviceLevelObjectives(WAITS)
          .register(metrics)
          .record(Duration.between(offer.runnableSince(), now));
    }
    return given.size();
  }

  private List<Offer> assign(Connection connection) throws SQLException {
    try (var statement = connection.prepareStatement("select pg_advisory_xact_lock(?)")) {
      statement.setLong(1, LOCK);
      statement.executeQuery().close();
    }
    List<Worker> workers = AssignmentTables.workers(connection, settings.duration());
    if (workers.stream().allMatch(worker -> worker.running() >= worker.slots())) {
      return List.of();
    }
    Map<String, Offer> offers = AssignmentTables.offers(connection);
    if (offers.isEmpty()) {
      return List.of();
    }
    Set<String> stopped =
        hours.read(connection).stream()
            .filter(use -> !use.mayStart())
            .map(DeviceHours.Use::sweepId)
            .collect(Collectors.toSet());
    offers.values().removeIf(offer -> stopped.contains(offer.sweepId()));
    Instant now = Clock.now(connection);
    List<Occupation> held = AssignmentTables.occupations(connection);
    List<Assignment> assignments =
        policy.assign(
            now,
            workers,
            held,
            List.copyOf(offers.values()),
            ledger.standing(connection, now, held));
    Map<String, String> devices = devices(connection, assignments);
    List<Offer> given = new ArrayList<>();
    for (Assignment assignment : assignments) {
      if (assign(
          connection,
          assignment,
          devices.get(assignment.workerId()),
          offers.get(assignment.stageId()).alone())) {
        given.add(offers.get(assignment.stageId()));
      }
    }
    return given;
  }

  private boolean assign(Connection connection, Assignment assignment, String device, boolean alone)
      throws SQLException {
    String stageId = assignment.stageId();
    AssignStage.Builder command = AssignStage.newBuilder();
    String team;
    try (var statement = connection.prepareStatement(LOCK_STAGE)) {
      statement.setString(1, stageId);
      try (ResultSet row = statement.executeQuery()) {
        if (!row.next()) {
          // Somebody is deciding about it; the next round will see what came of it.
          return false;
        }
        team = row.getString("team");
        command
            .setSpec(StageSpec.parseFrom(row.getBytes("spec")))
            .setSweepId(row.getString("sweep_id"))
            .setTrialId(row.getString("trial_id"));
        byte[] checkpoint = row.getBytes("checkpoint");
        if (checkpoint != null) {
          command
              .setCheckpoint(ArtifactRef.parseFrom(checkpoint))
              .setCheckpointStep(row.getLong("checkpoint_step"));
        }
      } catch (InvalidProtocolBufferException e) {
        throw new IllegalStateException("expected a stage spec in row " + stageId, e);
      }
    }
    UUID leaseId = UUID.randomUUID();
    Cause cause = cause(connection, stageId, team);
    List<StageEvent> decided =
        stages.decide(
            connection,
            stageId,
            new StageCommand.Assign(assignment.workerId(), leaseId.toString(), device),
            cause);
    if (decided.isEmpty()) {
      return false;
    }
    long generation = ((StageEvent.Assigned) decided.get(0)).generation();
    lease(connection, assignment, leaseId, generation, command, alone);
    command
        .setLeaseId(leaseId.toString())
        .setGeneration(generation)
        .addAllInputs(inputs(connection, stageId))
        .setLeaseDurationMs(settings.duration().toMillis())
        .setStallTimeoutMs(settings.stallTimeout().toMillis())
        .setCheckpointIntervalMs(settings.checkpointInterval().toMillis());
    Instant now = Clock.now(connection);
    dev.espalier.schemas.stage.v1.StageCommand message =
        dev.espalier.schemas.stage.v1.StageCommand.newBuilder()
            .setEventId(UUID.randomUUID().toString())
            .setOccurredAt(SharedWire.timestamp(now))
            .setWorkerId(assignment.workerId())
            .setStageId(stageId)
            .setTeam(team)
            .setCausedBy(cause.eventId())
            .setAssignStage(command)
            .build();
    events.enqueue(
        connection,
        List.of(
            NewEvent.toPartition(
                TopicContract.STAGE_COMMANDS,
                message,
                WorkerPartition.of(assignment.workerId()),
                now,
                cause.trace())));
    return true;
  }

  private void lease(
      Connection connection,
      Assignment assignment,
      UUID leaseId,
      long generation,
      AssignStage.Builder command,
      boolean alone)
      throws SQLException {
    try (var statement = connection.prepareStatement(LEASE)) {
      statement.setString(1, assignment.stageId());
      statement.setObject(2, leaseId);
      statement.setLong(3, generation);
      statement.setString(4, assignment.workerId());
      statement.setString(5, command.getSweepId());
      statement.setString(6, command.getTrialId());
      statement.setBoolean(7, alone);
      statement.setLong(8, settings.duration().toMillis());
      statement.executeUpdate();
    }
  }

  private static List<ResolvedInput> inputs(Connection connection, String stageId)
      throws SQLException {
    try (var statement = connection.prepareStatement(INPUTS)) {
      statement.setString(1, stageId);
      try (ResultSet rows = statement.executeQuery()) {
        List<ResolvedInput> inputs = new ArrayList<>();
        while (rows.next()) {
          inputs.add(
              ResolvedInput.newBuilder()
                  .setRole(rows.getString(1))
                  .setArtifact(
                      ArtifactRef.newBuilder()
                          .setUri("artifact:" + rows.getString(2))
                          .setSha256(rows.getString(2))
                          .setSizeBytes(rows.getLong(3))
                          .setMediaType(rows.getString(4)))
                  .build());
        }
        return inputs;
      }
    }
  }

  /** The latest event of a runnable stage is what made it runnable. */
  private static Cause cause(Connection connection, String stageId, String team)
      throws SQLException {
    try (var statement = connection.prepareStatement(LATEST_EVENT)) {
      statement.setString(1, "stage-" + stageId);
      try (ResultSet row = statement.executeQuery()) {
        row.next();
        return new Cause(
            row.getString(1),
            Cause.SCHEDULER,
            team,
            TraceContext.parse(row.getString(2))
                .map(TraceContext::next)
                .orElseGet(TraceContext::start));
      }
    }
  }

  private static Map<String, String> devices(Connection connection, List<Assignment> assignments)
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
