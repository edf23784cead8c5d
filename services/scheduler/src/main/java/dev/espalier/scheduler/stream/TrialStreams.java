package dev.espalier.scheduler.stream;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.NewEvent;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.scheduler.projection.TrialProjection;
import dev.espalier.schemas.trial.v1.TrialPlanned;
import dev.espalier.sweep.lifecycle.TrialCommand;
import dev.espalier.sweep.lifecycle.TrialDecider;
import dev.espalier.sweep.lifecycle.TrialEvent;
import dev.espalier.sweep.lifecycle.TrialState;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** The streams {@code trial-<id>}: load, decide, append, project, in one transaction. */
public final class TrialStreams {

  private final EventStore events;
  private final TrialDecider decider = new TrialDecider();
  private final TrialProjection projection = new TrialProjection();
  private final Histories<
          TrialState, TrialCommand, TrialEvent, dev.espalier.schemas.trial.v1.TrialEvent>
      histories;

  public TrialStreams(EventStore events) {
    this.events = events;
    this.histories =
        new Histories<>(
            events, decider, dev.espalier.schemas.trial.v1.TrialEvent.parser(), TrialWire::read);
  }

  /** Makes the trial known, if it is not. */
  public void plan(Connection connection, String trialId, TrialPlanned planned, Cause cause)
      throws SQLException {
    decide(connection, trialId, new TrialCommand.Plan(TrialWire.planned(planned)), planned, cause);
  }

  public List<TrialEvent> decide(
      Connection connection, String trialId, TrialCommand command, Cause cause)
      throws SQLException {
    return decide(connection, trialId, command, null, cause);
  }

  private List<TrialEvent> decide(
      Connection connection,
      String trialId,
      TrialCommand command,
      TrialPlanned planned,
      Cause cause)
      throws SQLException {
    String stream = stream(trialId);
    var history = histories.load(connection, stream);
    Instant now = Clock.now(connection);
    List<TrialEvent> decided = decider.decide(history.state(), command, now);
    if (decided.isEmpty()) {
      return decided;
    }
    List<NewEvent> appended = new ArrayList<>();
    long version = history.version();
    for (TrialEvent event : decided) {
      dev.espalier.schemas.trial.v1.TrialEvent message =
          TrialWire.write(event, planned)
              .setEventId(UUID.randomUUID().toString())
              .setOccurredAt(SharedWire.timestamp(now))
              .setTrialId(trialId)
              .setStreamVersion(++version)
              .setCausedBy(cause.eventId())
              .setRequestedBy(cause.requestedBy())
              .setTeam(cause.team())
              .build();
      appended.add(NewEvent.of(TopicContract.TRIAL_EVENTS, message, now, cause.trace()));
      projection.apply(connection, message);
    }
    events.append(connection, stream, history.version(), appended);
    return decided;
  }

  /** The trial as it was right after its event number {@code version}. */
  public TrialState at(Connection connection, String trialId, long version) throws SQLException {
    return histories.at(connection, stream(trialId), version);
  }

  static String stream(String trialId) {
    return "trial-" + trialId;
  }
}
