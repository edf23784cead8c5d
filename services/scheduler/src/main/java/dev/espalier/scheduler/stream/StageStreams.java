package dev.espalier.scheduler.stream;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.NewEvent;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.worker.WorkerPartition;
import dev.espalier.scheduler.assignment.AssignmentSignal;
import dev.espalier.scheduler.projection.StageProjection;
import dev.espalier.schemas.stage.v1.RevokeStage;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.sweep.lifecycle.Lease;
import dev.espalier.sweep.lifecycle.RetryPolicy;
import dev.espalier.sweep.lifecycle.StageCommand;
import dev.espalier.sweep.lifecycle.StageDecider;
import dev.espalier.sweep.lifecycle.StageEvent;
import dev.espalier.sweep.lifecycle.StageState;
import dev.espalier.sweep.lifecycle.StageState.Status;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/**
 * The streams {@code stage-<id>}: lock, load, decide, append, project, in one transaction. The row
 * of the stage is the lock, so that a decision read its clock when nobody else could decide.
 */
public final class StageStreams {

  private final EventStore events;
  private final StageDecider decider;
  private final StageProjection projection = new StageProjection();
  private final Histories<
          StageState, StageCommand, StageEvent, dev.espalier.schemas.stage.v1.StageEvent>
      histories;

  public StageStreams(EventStore events, RetryPolicy retry) {
    this.events = events;
    this.decider = new StageDecider(retry);
    this.histories =
        new Histories<>(
            events, decider, dev.espalier.schemas.stage.v1.StageEvent.parser(), StageWire::read);
  }

  /** A trial wants the stage; {@code spec} says what it is, should it be new. */
  public List<StageEvent> claim(
      Connection connection, String stageId, StageSpec spec, StageCommand.Claim claim, Cause cause)
      throws SQLException {
    return decide(connection, stageId, claim, spec, cause);
  }

  public List<StageEvent> decide(
      Connection connection, String stageId, StageCommand command, Cause cause)
      throws SQLException {
    return decide(connection, stageId, command, null, cause);
  }

  private List<StageEvent> decide(
      Connection connection, String stageId, StageCommand command, StageSpec spec, Cause cause)
      throws SQLException {
    lock(connection, stageId);
    String stream = stream(stageId);
    var history = histories.load(connection, stream);
    Instant now = Clock.now(connection);
    List<StageEvent> decided = decider.decide(history.state(), command, now);
    if (decided.isEmpty()) {
      return decided;
    }
    List<NewEvent> appended = new ArrayList<>();
    StageState state = history.state();
    long version = history.version();
    for (StageEvent event : decided) {
      dev.espalier.schemas.stage.v1.StageEvent message =
          StageWire.write(event, spec)
              .setEventId(UUID.randomUUID().toString())
              .setOccurredAt(SharedWire.timestamp(now))
              .setStageId(stageId)
              .setStreamVersion(++version)
              .setCausedBy(cause.eventId())
              .setRequestedBy(cause.requestedBy())
              .setTeam(cause.team())
              .build();
      appended.add(NewEvent.of(TopicContract.STAGE_EVENTS, message, now, cause.trace()));
      StageState after = decider.evolve(state, event);
      projection.apply(connection, message, state, after);
      state = after;
    }
    events.append(connection, stream, history.version(), appended);
    tellWorker(connection, stageId, history.state(), state, command, cause, now);
    if (freesOrOffers(history.state(), state)) {
      AssignmentSignal.raise(connection);
    }
    return decided;
  }

  /** A stage that stops being wanted is taken from its worker. */
  private void tellWorker(
      Connection connection,
      String stageId,
      StageState before,
      StageState after,
      StageCommand command,
      Cause cause,
      Instant now)
      throws SQLException {
    if (!(before.status() instanceof Status.Running running)) {
      return;
    }
    boolean taken =
        !(after.status() instanceof Status.Running) && !(command instanceof StageCommand.Accept);
    boolean yields = after.yields() && !before.yields();
    if (!taken && !yields) {
      return;
    }
    String reason =
        yields
            ? command instanceof StageCommand.Preempt preempt ? preempt.reason() : "paused"
            : command instanceof StageCommand.Release release ? release.reason() : "lease ended";
    events.enqueue(
        connection, List.of(revocation(stageId, running.lease(), reason, yields, cause, now)));
  }

  private static NewEvent revocation(
      String stageId,
      Lease lease,
      String reason,
      boolean checkpointFirst,
      Cause cause,
      Instant now) {
    dev.espalier.schemas.stage.v1.StageCommand message =
        dev.espalier.schemas.stage.v1.StageCommand.newBuilder()
            .setEventId(UUID.randomUUID().toString())
            .setOccurredAt(SharedWire.timestamp(now))
            .setWorkerId(lease.workerId())
            .setStageId(stageId)
            .setTeam(cause.team())
            .setCausedBy(cause.eventId())
            .setRevokeStage(
                RevokeStage.newBuilder()
                    .setLeaseId(lease.leaseId())
                    .setGeneration(lease.generation())
                    .setReason(reason)
                    .setCheckpointFirst(checkpointFirst))
            .build();
    return NewEvent.toPartition(
        TopicContract.STAGE_COMMANDS,
        message,
        WorkerPartition.of(lease.workerId()),
        now,
        cause.trace());
  }

  private static boolean freesOrOffers(StageState before, StageState after) {
    boolean offers = after.status() instanceof Status.Waiting && after.hasInputs() && !after.held();
    boolean frees =
        before.status() instanceof Status.Running && !(after.status() instanceof Status.Running);
    return offers || frees;
  }

  public StageState load(Connection connection, String stageId) throws SQLException {
    return histories.load(connection, stream(stageId)).state();
  }

  /** The stage as it was right after its event number {@code version}. */
  public StageState at(Connection connection, String stageId, long version) throws SQLException {
    return histories.at(connection, stream(stageId), version);
  }

  private static void lock(Connection connection, String stageId) throws SQLException {
    try (var statement =
        connection.prepareStatement("select 1 from stage where stage_id = ? for update")) {
      statement.setString(1, stageId);
      statement.executeQuery().close();
    }
  }

  static String stream(String stageId) {
    return "stage-" + stageId;
  }
}
