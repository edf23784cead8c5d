package dev.espalier.scheduler.assignment;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.NewEvent;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.worker.WorkerPartition;
import dev.espalier.scheduler.assignment.AssignmentRows.Given;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.Changes;
import dev.espalier.scheduler.stream.Clock;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.scheduler.wire.SharedWire;
import dev.espalier.schemas.stage.v1.AssignStage;
import dev.espalier.schemas.stage.v1.ResolvedInput;
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
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
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
    List<Offer> given = Changes.in(transactions, events, this::assign);
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

  private List<Offer> assign(Changes changes) throws SQLException {
    Connection connection = changes.connection();
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
    return assign(changes, assignments, offers);
  }

  private List<Offer> assign(
      Changes changes, List<Assignment> assignments, Map<String, Offer> offers)
      throws SQLException {
    if (assignments.isEmpty()) {
      return List.of();
    }
    Connection connection = changes.connection();
    Map<String, Given> locked = AssignmentRows.lock(connection, assignments);
    stages.prepare(changes, locked.keySet());
    Map<String, List<ResolvedInput>> inputs = AssignmentRows.inputs(connection, locked.keySet());
    Map<String, Cause> causes = AssignmentRows.causes(connection, locked);
    Map<String, String> devices = AssignmentRows.devices(connection, assignments);
    List<Offer> given = new ArrayList<>();
    try (var leases = connection.prepareStatement(LEASE)) {
      for (Assignment assignment : assignments) {
        String stageId = assignment.stageId();
        Given stage = locked.get(stageId);
        if (stage == null) {
          continue;
        }
        UUID leaseId = UUID.randomUUID();
        Cause cause = causes.get(stageId);
        List<StageEvent> decided =
            stages.decide(
                changes,
                stageId,
                new StageCommand.Assign(
                    assignment.workerId(), leaseId.toString(), devices.get(assignment.workerId())),
                cause);
        if (decided.isEmpty()) {
          continue;
        }
        stage
            .command()
            .setLeaseId(leaseId.toString())
            .setGeneration(((StageEvent.Assigned) decided.get(0)).generation())
            .addAllInputs(inputs.getOrDefault(stageId, List.of()))
            .setLeaseDurationMs(settings.duration().toMillis())
            .setStallTimeoutMs(settings.stallTimeout().toMillis())
            .setCheckpointIntervalMs(settings.checkpointInterval().toMillis());
        Offer offer = offers.get(stageId);
        lease(leases, assignment, leaseId, stage.command(), offer.alone());
        changes.command(message(assignment, stage, cause, changes.now()));
        given.add(offer);
      }
      leases.executeBatch();
    }
    return given;
  }

  private NewEvent message(Assignment assignment, Given stage, Cause cause, Instant now) {
    dev.espalier.schemas.stage.v1.StageCommand message =
        dev.espalier.schemas.stage.v1.StageCommand.newBuilder()
            .setEventId(UUID.randomUUID().toString())
            .setOccurredAt(SharedWire.timestamp(now))
            .setWorkerId(assignment.workerId())
            .setStageId(assignment.stageId())
            .setTeam(stage.team())
            .setCausedBy(cause.eventId())
            .setAssignStage(stage.command())
            .build();
    return NewEvent.toPartition(
        TopicContract.STAGE_COMMANDS,
        message,
        WorkerPartition.of(assignment.workerId()),
        now,
        cause.trace());
  }

  private void lease(
      PreparedStatement statement,
      Assignment assignment,
      UUID leaseId,
      AssignStage.Builder command,
      boolean alone)
      throws SQLException {
    statement.setString(1, assignment.stageId());
    statement.setObject(2, leaseId);
    statement.setLong(3, command.getGeneration());
    statement.setString(4, assignment.workerId());
    statement.setString(5, command.getSweepId());
    statement.setString(6, command.getTrialId());
    statement.setBoolean(7, alone);
    statement.setLong(8, settings.duration().toMillis());
    statement.addBatch();
  }
}
