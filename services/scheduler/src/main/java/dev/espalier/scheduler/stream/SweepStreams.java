package dev.espalier.scheduler.stream;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.NewEvent;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.scheduler.projection.Statements;
import dev.espalier.scheduler.projection.SweepProjection;
import dev.espalier.scheduler.stream.Histories.History;
import dev.espalier.scheduler.wire.SharedWire;
import dev.espalier.scheduler.wire.SweepWire;
import dev.espalier.schemas.sweep.v1.SweepRejected;
import dev.espalier.schemas.sweep.v1.Violation;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.sweep.lifecycle.SweepDecider;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.lifecycle.SweepState;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;

/** The streams {@code sweep-<id>}: load, decide, append, project, in one transaction. */
public final class SweepStreams {

  private static final String LOCK = Locks.each("sweep", "sweep_id");

  private final EventStore events;
  private final Transactions transactions;
  private final SweepDecider decider = new SweepDecider();
  private final SweepProjection projection = new SweepProjection();
  private final Histories<
          SweepState, SweepCommand, SweepEvent, dev.espalier.schemas.sweep.v1.SweepEvent>
      histories;

  public SweepStreams(EventStore events, Transactions transactions) {
    this.events = events;
    this.transactions = transactions;
    this.histories =
        new Histories<>(
            events, decider, dev.espalier.schemas.sweep.v1.SweepEvent.parser(), SweepWire::read);
  }

  /** Locks sweeps and reads them, in an order that all keep to. */
  public void prepare(Changes changes, Collection<String> sweepIds) throws SQLException {
    if (sweepIds.isEmpty()) {
      return;
    }
    // Trials end in bursts; waiting for one another is cheaper than deciding again.
    Locks.take(changes.connection(), LOCK, sweepIds);
    changes.locked();
    histories.prepare(changes, sweepIds.stream().map(SweepStreams::stream).distinct().toList());
  }

  /** Decides in a transaction of its own; what others appended meanwhile is taken into account. */
  public List<SweepEvent> decide(String sweepId, SweepCommand command, Cause cause)
      throws SQLException {
    return Changes.in(transactions, events, changes -> decide(changes, sweepId, command, cause));
  }

  /**
   * Decides and writes in the caller's transaction, which {@link Transactions} repeats on a version
   * conflict.
   *
   * @return what was appended; nothing if the command changed nothing
   */
  public List<SweepEvent> decide(
      Connection connection, String sweepId, SweepCommand command, Cause cause)
      throws SQLException {
    Changes changes = new Changes(connection, events);
    List<SweepEvent> decided = decide(changes, sweepId, command, cause);
    changes.write();
    return decided;
  }

  public List<SweepEvent> decide(Changes changes, String sweepId, SweepCommand command, Cause cause)
      throws SQLException {
    String stream = stream(sweepId);
    if (!changes.knows(stream)) {
      prepare(changes, List.of(sweepId));
    }
    History<SweepState> before = histories.current(changes, stream);
    Instant now = changes.now();
    List<SweepEvent> decided = decider.decide(before.state(), command, now);
    if (decided.isEmpty()) {
      return decided;
    }
    List<NewEvent> appended = new ArrayList<>();
    Statements statements = new Statements();
    SweepState state = before.state();
    long version = before.version();
    for (SweepEvent event : decided) {
      dev.espalier.schemas.sweep.v1.SweepEvent message =
          SweepWire.write(event)
              .setEventId(UUID.randomUUID().toString())
              .setOccurredAt(SharedWire.timestamp(now))
              .setSweepId(sweepId)
              .setStreamVersion(++version)
              .setCausedBy(cause.eventId())
              .setRequestedBy(cause.requestedBy())
              .setTeam(cause.team())
              .build();
      appended.add(NewEvent.of(TopicContract.SWEEP_EVENTS, message, now, cause.trace()));
      state = decider.evolve(state, event);
      projection.apply(statements, message, state);
    }
    History<SweepState> after = new History<>(state, version);
    changes.append(stream, before, appended, statements.take(), after);
    changes.afterCommit(() -> histories.remember(stream, after));
    return decided;
  }

  /**
   * Records that a submission was refused, in a stream of its own.
   *
   * @param submissionId event id of the submission
   */
  public void reject(
      Connection connection, String submissionId, List<Violation> violations, Cause cause)
      throws SQLException {
    String stream = "rejection-" + submissionId;
    Instant now = Clock.now(connection);
    if (!events.load(connection, stream).isEmpty()) {
      return;
    }
    dev.espalier.schemas.sweep.v1.SweepEvent message =
        dev.espalier.schemas.sweep.v1.SweepEvent.newBuilder()
            .setEventId(UUID.randomUUID().toString())
            .setOccurredAt(SharedWire.timestamp(now))
            .setSweepId(stream)
            .setStreamVersion(1)
            .setCausedBy(cause.eventId())
            .setRequestedBy(cause.requestedBy())
            .setTeam(cause.team())
            .setSweepRejected(SweepRejected.newBuilder().addAllViolations(violations))
            .build();
    events.append(
        connection,
        stream,
        0,
        List.of(NewEvent.of(TopicContract.SWEEP_EVENTS, message, now, cause.trace())));
  }

  public SweepState load(Connection connection, String sweepId) throws SQLException {
    return histories.load(connection, stream(sweepId)).state();
  }

  static String stream(String sweepId) {
    return "sweep-" + sweepId;
  }
}
