package dev.espalier.scheduler.process;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Inbox;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.ConsumedRecord;
import dev.espalier.messaging.consume.StopReading;
import dev.espalier.scheduler.process.LookUps.Happened;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.stream.TrialStreams;
import dev.espalier.scheduler.wire.StageWire;
import dev.espalier.scheduler.wire.SweepWire;
import dev.espalier.scheduler.wire.TrialWire;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.schemas.trial.v1.PlannedStage;
import dev.espalier.sweep.lifecycle.Consequence;
import dev.espalier.sweep.lifecycle.Consequences;
import dev.espalier.sweep.lifecycle.StageEvent;
import dev.espalier.sweep.lifecycle.StageState;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.lifecycle.TrialEvent;
import dev.espalier.sweep.lifecycle.TrialState;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Carries what happened in one stream to the others that care; {@link Consequences} says what.
 *
 * <p><b>Order</b>: events of one stream come in order, those of different streams in any. <b>
 * Delivery</b>: at least once. What follows from the events of one poll goes together into few
 * transactions ({@link Outcomes}); the one that holds an event's last consequence also notes the
 * event in the inbox. Whoever dies in between lets another start over, which is harmless: a stream
 * that was told before answers with no event. <b>Failure</b>: outages are ridden out; an event that
 * we cannot read stops us rather than be skipped.
 */
public final class ProcessManager {

  private final Transactions transactions;
  private final SweepStreams sweeps;
  private final TrialStreams trials;
  private final StageStreams stages;
  private final Outcomes outcomes;

  public ProcessManager(
      Transactions transactions,
      EventStore events,
      Inbox inbox,
      SweepStreams sweeps,
      TrialStreams trials,
      StageStreams stages,
      TrialPlanning planning) {
    this.transactions = transactions;
    this.sweeps = sweeps;
    this.trials = trials;
    this.stages = stages;
    this.outcomes =
        new Outcomes(
            transactions,
            events,
            inbox,
            sweeps,
            trials,
            stages,
            new GridPlanner(transactions, events, sweeps, trials, planning));
  }

  public void onSweepEvents(List<ConsumedRecord<dev.espalier.schemas.sweep.v1.SweepEvent>> records)
      throws SQLException {
    List<Outcome> all = new ArrayList<>();
    for (var record : records) {
      var message = record.message();
      if (message.hasSweepRejected()) {
        continue;
      }
      SweepEvent event = SweepWire.read(message).orElseThrow(() -> unreadable(record));
      all.add(
          new Outcome(
              record,
              LookUps.run(
                  transactions,
                  connection ->
                      new Consequences(new LookUps(connection, sweeps))
                          .of(message.getSweepId(), event)),
              Map.of(),
              cause(record, message.getRequestedBy(), message.getTeam())));
    }
    outcomes.carryOut(all);
  }

  public void onTrialEvents(List<ConsumedRecord<dev.espalier.schemas.trial.v1.TrialEvent>> records)
      throws SQLException {
    List<ConsumedRecord<dev.espalier.schemas.trial.v1.TrialEvent>> telling = new ArrayList<>();
    Map<String, Set<Long>> versions = new HashMap<>();
    for (var record : records) {
      var message = record.message();
      TrialEvent event = TrialWire.read(message).orElseThrow(() -> unreadable(record));
      if (!(event instanceof TrialEvent.StageSucceeded)) {
        telling.add(record);
        versions
            .computeIfAbsent(message.getTrialId(), id -> new HashSet<>())
            .add(message.getStreamVersion());
      }
    }
    if (telling.isEmpty()) {
      return;
    }
    Map<String, Map<Long, TrialState>> states =
        transactions.call(connection -> trials.at(connection, versions));
    List<Outcome> all = new ArrayList<>();
    // Asks nothing but what the events say.
    Consequences consequences = new Consequences(new LookUps(null, sweeps));
    for (var record : telling) {
      var message = record.message();
      Map<String, StageSpec> specs =
          message.getTrialPlanned().getStagesList().stream()
              .collect(Collectors.toMap(PlannedStage::getStageId, PlannedStage::getSpec));
      all.add(
          new Outcome(
              record,
              consequences.of(
                  message.getTrialId(),
                  TrialWire.read(message).orElseThrow(),
                  states.get(message.getTrialId()).get(message.getStreamVersion())),
              specs,
              cause(record, message.getRequestedBy(), message.getTeam())));
    }
    outcomes.carryOut(all);
  }

  public void onStageEvents(List<ConsumedRecord<dev.espalier.schemas.stage.v1.StageEvent>> records)
      throws SQLException {
    List<ConsumedRecord<dev.espalier.schemas.stage.v1.StageEvent>> telling = new ArrayList<>();
    List<Happened> happened = new ArrayList<>();
    Map<String, Set<Long>> versions = new HashMap<>();
    for (var record : records) {
      var message = record.message();
      StageEvent event = StageWire.read(message).orElseThrow(() -> unreadable(record));
      boolean epoch = event instanceof StageEvent.EpochEvaluated;
      if (epoch || Consequences.mayFollowFrom(event)) {
        telling.add(record);
        happened.add(new Happened(message.getStageId(), message.getStreamVersion(), event));
      }
      if (!epoch && Consequences.mayFollowFrom(event)) {
        long version = message.getStreamVersion();
        versions
            .computeIfAbsent(message.getStageId(), id -> new HashSet<>())
            .addAll(List.of(version - 1, version));
      }
    }
    if (telling.isEmpty()) {
      return;
    }
    List<Outcome> all =
        LookUps.run(
            transactions,
            connection -> {
              Map<String, Map<Long, StageState>> states = stages.at(connection, versions);
              Consequences consequences =
                  new Consequences(LookUps.of(connection, stages, trials, happened, states));
              List<Outcome> found = new ArrayList<>();
              for (int i = 0; i < telling.size(); i++) {
                var record = telling.get(i);
                Happened one = happened.get(i);
                found.add(
                    new Outcome(
                        record,
                        consequences(consequences, one, states.get(one.stageId())),
                        Map.of(),
                        cause(
                            record,
                            record.message().getRequestedBy(),
                            record.message().getTeam())));
              }
              return found;
            });
    outcomes.carryOut(all);
  }

  private static List<Consequence> consequences(
      Consequences consequences, Happened one, Map<Long, StageState> states) {
    return one.event() instanceof StageEvent.EpochEvaluated evaluated
        ? consequences.of(one.stageId(), evaluated)
        : consequences.of(
            one.stageId(), one.event(), states.get(one.version() - 1), states.get(one.version()));
  }

  private static Cause cause(ConsumedRecord<?> record, String requestedBy, String team) {
    return new Cause(record.eventId(), requestedBy, team, record.trace().next());
  }

  private static StopReading unreadable(ConsumedRecord<?> record) {
    return new StopReading(
        "expected an event that this version knows but "
            + record.topic()
            + " holds \""
            + record.eventType()
            + "\"");
  }
}
