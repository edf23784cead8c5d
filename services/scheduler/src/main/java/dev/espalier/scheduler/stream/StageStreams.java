package dev.espalier.scheduler.stream;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.NewEvent;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.worker.WorkerPartition;
import dev.espalier.scheduler.projection.StageProjection;
import dev.espalier.scheduler.projection.Statements;
import dev.espalier.scheduler.stream.Histories.History;
import dev.espalier.scheduler.wire.SharedWire;
import dev.espalier.scheduler.wire.StageWire;
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
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * The streams {@code stage-<id>}: lock, load, decide, append, project, in one transaction. The row
 * of the stage is the lock, so that a decision read its clock when nobody else could decide.
 */
public final class StageStreams {

  private static final String PREFIX = "stage-";

  private static final String LOCK = Locks.each("stage", "stage_id");
  private static final String LOCK_LEASES = Locks.each("lease", "stage_id");

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

  /**
   * Locks stages and reads them, in an order that all keep to; their leases, too, since what is
   * decided may take those away.
   */
  public void prepare(Changes changes, Collection<String> stageIds) throws SQLException {
    if (stageIds.isEmpty()) {
      return;
    }
    Locks.take(changes.connection(), LOCK, stageIds);
    Locks.take(changes.connection(), LOCK_LEASES, stageIds);
    changes.locked();
    histories.prepare(changes, stageIds.stream().map(StageStreams::stream).distinct().toList());
  }

  /** A trial wants the stage; {@code spec} says what it is, should it be new. */
  public List<StageEvent> claim(
      Changes changes, String stageId, StageSpec spec, StageCommand.Claim claim, Cause cause)
      throws SQLException {
    return decide(changes, stageId, claim, spec, cause);
  }

  public List<StageEvent> decide(Changes changes, String stageId, StageCommand command, Cause cause)
      throws SQLException {
    return decide(changes, stageId, command, null, cause);
  }

  /** Decides and writes at once. */
  public List<StageEvent> decide(
      Connection connection, String stageId, StageCommand command, Cause cause)
      throws SQLException {
    Changes changes = new Changes(connection, events);
    List<StageEvent> decided = decide(changes, stageId, command, null, cause);
    changes.write();
    return decided;
  }

  private List<StageEvent> decide(
      Changes changes, String stageId, StageCommand command, StageSpec spec, Cause cause)
      throws SQLException {
    String stream = stream(stageId);
    if (!changes.knows(stream)) {
      prepare(changes, List.of(stageId));
    }
    History<StageState> before = histories.current(changes, stream);
    Instant now = changes.now();
    List<StageEvent> decided = decider.decide(before.state(), command, now);
    if (decided.isEmpty()) {
      return decided;
    }
    List<NewEvent> appended = new ArrayList<>();
    Statements statements = new Statements();
    StageState state = before.state();
    long version = before.version();
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
      projection.apply(statements, message, state, after);
      state = after;
    }
    History<StageState> after = new History<>(state, version);
    changes.append(stream, before, appended, statements.take(), after);
    changes.afterCommit(() -> histories.remember(stream, after));
    tellWorker(changes, stageId, before.state(), state, command, cause, now);
    if (freesOrOffers(before.state(), state)) {
      changes.wakeAssignment();
    }
    return decided;
  }

  /** A stage that stops being wanted is taken from its worker. */
  private static void tellWorker(
      Changes changes,
      String stageId,
      StageState before,
      StageState after,
      StageCommand command,
      Cause cause,
      Instant now) {
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
    changes.command(revocation(stageId, running.lease(), reason, yields, cause, now));
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

  public Map<String, StageState> load(Connection connection, Collection<String> stageIds)
      throws SQLException {
    var found = histories.load(connection, stageIds.stream().map(StageStreams::stream).toList());
    Map<String, StageState> states = new HashMap<>();
    stageIds.forEach(id -> states.put(id, found.get(stream(id)).state()));
    return states;
  }

  /**
   * Stages as they were right after events of theirs.
   *
   * @param versions of those events, by stage
   * @return states by stage and version
   */
  public Map<String, Map<Long, StageState>> at(
      Connection connection, Map<String, Set<Long>> versions) throws SQLException {
    Map<String, Set<Long>> wanted = new HashMap<>();
    versions.forEach((id, some) -> wanted.put(stream(id), some));
    var found = histories.at(connection, wanted);
    Map<String, Map<Long, StageState>> states = new HashMap<>();
    versions.keySet().forEach(id -> states.put(id, found.get(stream(id))));
    return states;
  }

  public static String stream(String stageId) {
    return PREFIX + stageId;
  }

  /** Whose stream it is. */
  public static String stageId(String stream) {
    return stream.substring(PREFIX.length());
  }
}
