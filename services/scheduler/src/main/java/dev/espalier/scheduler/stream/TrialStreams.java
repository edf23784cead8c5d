package dev.espalier.scheduler.stream;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.NewEvent;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.scheduler.projection.Statements;
import dev.espalier.scheduler.projection.TrialProjection;
import dev.espalier.scheduler.stream.Histories.History;
import dev.espalier.scheduler.wire.SharedWire;
import dev.espalier.scheduler.wire.TrialWire;
import dev.espalier.schemas.trial.v1.TrialPlanned;
import dev.espalier.sweep.lifecycle.TrialCommand;
import dev.espalier.sweep.lifecycle.TrialDecider;
import dev.espalier.sweep.lifecycle.TrialEvent;
import dev.espalier.sweep.lifecycle.TrialState;
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

/** The streams {@code trial-<id>}: load, decide, append, project, in one transaction. */
public final class TrialStreams {

  private static final String LOCK = Locks.each("trial", "trial_id");

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

  /** Locks trials and reads them, in an order that all keep to. */
  public void prepare(Changes changes, Collection<String> trialIds) throws SQLException {
    if (trialIds.isEmpty()) {
      return;
    }
    Locks.take(changes.connection(), LOCK, trialIds);
    changes.locked();
    histories.prepare(changes, trialIds.stream().map(TrialStreams::stream).distinct().toList());
  }

  /** Makes the trial known, if it is not. */
  public void plan(Changes changes, String trialId, TrialPlanned planned, Cause cause)
      throws SQLException {
    decide(changes, trialId, new TrialCommand.Plan(TrialWire.planned(planned)), planned, cause);
  }

  public List<TrialEvent> decide(Changes changes, String trialId, TrialCommand command, Cause cause)
      throws SQLException {
    return decide(changes, trialId, command, null, cause);
  }

  /** Decides and writes at once. */
  public List<TrialEvent> decide(
      Connection connection, String trialId, TrialCommand command, Cause cause)
      throws SQLException {
    Changes changes = new Changes(connection, events);
    List<TrialEvent> decided = decide(changes, trialId, command, null, cause);
    changes.write();
    return decided;
  }

  private List<TrialEvent> decide(
      Changes changes, String trialId, TrialCommand command, TrialPlanned planned, Cause cause)
      throws SQLException {
    String stream = stream(trialId);
    if (!changes.knows(stream)) {
      prepare(changes, List.of(trialId));
    }
    History<TrialState> before = histories.current(changes, stream);
    Instant now = changes.now();
    List<TrialEvent> decided = decider.decide(before.state(), command, now);
    if (decided.isEmpty()) {
      return decided;
    }
    List<NewEvent> appended = new ArrayList<>();
    Statements statements = new Statements();
    TrialState state = before.state();
    long version = before.version();
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
      projection.apply(statements, message);
      state = decider.evolve(state, event);
    }
    History<TrialState> after = new History<>(state, version);
    changes.append(stream, before, appended, statements.take(), after);
    changes.afterCommit(() -> histories.remember(stream, after));
    return decided;
  }

  /** Trials as they are now, by id. */
  public Map<String, TrialState> load(Connection connection, Collection<String> trialIds)
      throws SQLException {
    var found = histories.load(connection, trialIds.stream().map(TrialStreams::stream).toList());
    Map<String, TrialState> states = new HashMap<>();
    trialIds.forEach(id -> states.put(id, found.get(stream(id)).state()));
    return states;
  }

  /**
   * Trials as they were right after events of theirs.
   *
   * @param versions of those events, by trial
   * @return states by trial and version
   */
  public Map<String, Map<Long, TrialState>> at(
      Connection connection, Map<String, Set<Long>> versions) throws SQLException {
    Map<String, Set<Long>> wanted = new HashMap<>();
    versions.forEach((id, some) -> wanted.put(stream(id), some));
    var found = histories.at(connection, wanted);
    Map<String, Map<Long, TrialState>> states = new HashMap<>();
    versions.keySet().forEach(id -> states.put(id, found.get(stream(id))));
    return states;
  }

  static String stream(String trialId) {
    return "trial-" + trialId;
  }
}
