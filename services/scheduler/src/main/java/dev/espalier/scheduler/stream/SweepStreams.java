package dev.espalier.scheduler.stream;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.NewEvent;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.scheduler.projection.SweepProjection;
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
import java.util.List;
import java.util.UUID;

/** The streams {@code sweep-<id>}: load, decide, append, project, in one transaction. */
public final class SweepStreams {

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

  /** Decides in a transaction of its own; what others appended meanwhile is taken into account. */
  public List<SweepEvent> decide(String sweepId, SweepCommand command, Cause cause)
      throws SQLException {
    return transactions.call(connection -> decide(connection, sweepId, command, cause));
  }

  /**
   * Decides in the caller's transaction, which {@link Transactions} repeats on a version conflict.
   *
   * @return what was appended; nothing if the command changed nothing
   */
  public List<SweepEvent> decide(
      Connection connection, String sweepId, SweepCommand command, Cause cause)
      throws SQLException {
    lock(connection, sweepId);
    String stream = stream(sweepId);
    var history = histories.load(connection, stream);
    Instant now = Clock.now(connection);
    List<SweepEvent> decided = decider.decide(history.state(), command, now);
    if (decided.isEmpty()) {
      return decided;
    }
    List<NewEvent> appended = new ArrayList<>();
    SweepState state = history.state();
    long version = history.version();
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
      projection.apply(connection, message, state);
    }
    events.append(connection, stream, history.version(), appended);
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

  /** Trials end in bursts; waiting for one another is cheaper than deciding again. */
  private static void lock(Connection connection, String sweepId) throws SQLException {
    try (var statement =
        connection.prepareStatement("select 1 from sweep where sweep_id = ? for update")) {
      statement.setString(1, sweepId);
      statement.executeQuery().close();
    }
  }

  static String stream(String sweepId) {
    return "sweep-" + sweepId;
  }
}
