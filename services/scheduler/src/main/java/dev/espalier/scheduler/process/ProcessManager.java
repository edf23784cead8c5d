package dev.espalier.scheduler.process;

import dev.espalier.eventstore.Inbox;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.ConsumedRecord;
import dev.espalier.messaging.consume.PermanentFailure;
import dev.espalier.messaging.consume.StopReading;
import dev.espalier.messaging.trace.LogContext;
import dev.espalier.scheduler.process.TrialPlanning.PlannedTrial;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.scheduler.stream.StageWire;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.stream.SweepWire;
import dev.espalier.scheduler.stream.TrialStreams;
import dev.espalier.scheduler.stream.TrialWire;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.schemas.trial.v1.PlannedStage;
import dev.espalier.sweep.lifecycle.Consequence;
import dev.espalier.sweep.lifecycle.Consequences;
import dev.espalier.sweep.lifecycle.Holder;
import dev.espalier.sweep.lifecycle.StageCommand;
import dev.espalier.sweep.lifecycle.StageEvent;
import dev.espalier.sweep.lifecycle.StageState;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.lifecycle.SweepState;
import dev.espalier.sweep.lifecycle.TrialEvent;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Carries what happened in one stream to the others that care; {@link Consequences} says what.
 *
 * <p><b>Order</b>: events of one stream come in order, those of different streams in any. <b>
 * Delivery</b>: at least once. Each consequence is a transaction of its own that changes one
 * stream; the last one also notes the event in the inbox. Whoever dies in between lets another
 * start over, which is harmless: a stream that was told before answers with no event.
 * <b>Failure</b>: outages are ridden out; an event that we cannot read stops us rather than be
 * skipped.
 */
public final class ProcessManager {

  /** Trials that one event of a sweep makes known; keeps every message far below 1 MB. */
  static final int CHUNK = 500;

  /** Spares commits, which wait for the disk, and keeps locks short. */
  private static final int TRIALS_OF_A_TRANSACTION = 25;

  private static final String CONSUMER = "process";
  private static final int REMEMBERED_PLANS = 8;

  private static final String OPEN_SWEEP =
      """
      select 1 from sweep where sweep_id = ? and state in ('ACCEPTED', 'RUNNING', 'PAUSED')
      for share
      """;

  private static final String PAUSED_SWEEP =
      "select state = 'PAUSED' from sweep where sweep_id = ? for share";

  private static final String PAUSED_TRIAL =
      "select paused from trial where trial_id = ? for share";

  private final Transactions transactions;
  private final Inbox inbox;
  private final SweepStreams sweeps;
  private final TrialStreams trials;
  private final StageStreams stages;
  private final TrialPlanning planning;

  private final Map<String, List<PlannedTrial>> plans =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, List<PlannedTrial>> eldest) {
          return size() > REMEMBERED_PLANS;
        }
      };

  public ProcessManager(
      Transactions transactions,
      Inbox inbox,
      SweepStreams sweeps,
      TrialStreams trials,
      StageStreams stages,
      TrialPlanning planning) {
    this.transactions = transactions;
    this.inbox = inbox;
    this.sweeps = sweeps;
    this.trials = trials;
    this.stages = stages;
    this.planning = planning;
  }

  public void onSweepEvent(ConsumedRecord<dev.espalier.schemas.sweep.v1.SweepEvent> record)
      throws SQLException {
    var message = record.message();
    if (message.hasSweepRejected()) {
      return;
    }
    SweepEvent event = SweepWire.read(message).orElseThrow(() -> unreadable(record));
    Cause cause = cause(record, message.getRequestedBy(), message.getTeam());
    try (LogContext context = LogContext.open().sweep(message.getSweepId()).trace(record.trace())) {
      List<Consequence> all =
          lookUp((consequences, connection) -> consequences.of(message.getSweepId(), event));
      carryOut(record, all, Map.of(), cause);
    }
  }

  public void onTrialEvent(ConsumedRecord<dev.espalier.schemas.trial.v1.TrialEvent> record)
      throws SQLException {
    var message = record.message();
    TrialEvent event = TrialWire.read(message).orElseThrow(() -> unreadable(record));
    if (event instanceof TrialEvent.StageSucceeded) {
      return;
    }
    Cause cause = cause(record, message.getRequestedBy(), message.getTeam());
    try (LogContext context = LogContext.open().trial(message.getTrialId()).trace(record.trace())) {
      List<Consequence> all =
          lookUp(
              (consequences, connection) ->
                  consequences.of(
                      message.getTrialId(),
                      event,
                      trials.at(connection, message.getTrialId(), message.getStreamVersion())));
      Map<String, StageSpec> specs =
          message.getTrialPlanned().getStagesList().stream()
              .collect(Collectors.toMap(PlannedStage::getStageId, PlannedStage::getSpec));
      carryOut(record, all, specs, cause);
    }
  }

  public void onStageEvent(ConsumedRecord<dev.espalier.schemas.stage.v1.StageEvent> record)
      throws SQLException {
    var message = record.message();
    StageEvent event = StageWire.read(message).orElseThrow(() -> unreadable(record));
    if (!Consequences.mayFollowFrom(event)) {
      return;
    }
    String id = message.getStageId();
    long version = message.getStreamVersion();
    Cause cause = cause(record, message.getRequestedBy(), message.getTeam());
    try (LogContext context = LogContext.open().stage(id, 0).trace(record.trace())) {
      List<Consequence> all =
          lookUp(
              (consequences, connection) ->
                  consequences.of(
                      id,
                      event,
                      stages.at(connection, id, version - 1),
                      stages.at(connection, id, version)));
      carryOut(record, all, Map.of(), cause);
    }
  }

  private interface Question {
    List<Consequence> answer(Consequences consequences, Connection connection) throws SQLException;
  }

  private List<Consequence> lookUp(Question question) throws SQLException {
    return transactions.call(
        connection -> {
          try {
            return question.answer(new Consequences(new LookUp(connection)), connection);
          } catch (LookUpFailed e) {
            throw e.getCause();
          }
        });
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

  private void carryOut(
      ConsumedRecord<?> record,
      List<Consequence> consequences,
      Map<String, StageSpec> specs,
      Cause cause)
      throws SQLException {
    for (int i = 0; i < consequences.size(); i++) {
      Consequence consequence = consequences.get(i);
      if (consequence instanceof Consequence.PlanTrials chunk) {
        planTrials(chunk, cause);
        continue;
      }
      boolean last = i == consequences.size() - 1;
      transactions.run(
          connection -> {
            boolean first =
                !last || inbox.firstSeen(connection, CONSUMER, record.eventId(), record.payload());
            if (first) {
              carryOut(connection, consequence, specs, cause);
            }
          });
    }
  }

  private void carryOut(
      Connection connection, Consequence consequence, Map<String, StageSpec> specs, Cause cause)
      throws SQLException {
    if (consequence instanceof Consequence.ForSweep sweep) {
      sweeps.decide(connection, sweep.sweepId(), sweep.command(), cause);
    } else if (consequence instanceof Consequence.ForTrial trial) {
      trials.decide(connection, trial.trialId(), trial.command(), cause);
    } else if (consequence instanceof Consequence.ForStage stage) {
      tellStage(connection, stage, specs, cause);
    } else if (consequence instanceof Consequence.PlanChunk chunk) {
      planChunk(connection, chunk, cause);
    }
  }

  private void tellStage(
      Connection connection, Consequence.ForStage stage, Map<String, StageSpec> specs, Cause cause)
      throws SQLException {
    if (stage.command() instanceof StageCommand.Claim claim) {
      stages.claim(connection, stage.stageId(), specs.get(stage.stageId()), claim, cause);
      return;
    }
    // Outdated by a later word of the same holder, whose own event will follow.
    if (stage.command() instanceof StageCommand.Hold hold && !paused(connection, hold.holder())) {
      return;
    }
    if (stage.command() instanceof StageCommand.ReleaseFromHold release
        && paused(connection, release.holder())) {
      return;
    }
    stages.decide(connection, stage.stageId(), stage.command(), cause);
  }

  /** The lock on its row keeps the answer true until the transaction ends. */
  private static boolean paused(Connection connection, Holder holder) throws SQLException {
    String sql = holder instanceof Holder.OfSweep ? PAUSED_SWEEP : PAUSED_TRIAL;
    try (var statement = connection.prepareStatement(sql)) {
      statement.setString(
          1,
          holder instanceof Holder.OfSweep sweep
              ? sweep.sweepId()
              : ((Holder.OfTrial) holder).trialId());
      try (ResultSet row = statement.executeQuery()) {
        return row.next() && row.getBoolean(1);
      }
    }
  }

  private void planChunk(Connection connection, Consequence.PlanChunk chunk, Cause cause)
      throws SQLException {
    SweepState state = sweeps.load(connection, chunk.sweepId());
    List<PlannedTrial> all = plan(chunk.sweepId(), state.accepted());
    int from = Math.min(all.size(), chunk.chunk() * CHUNK);
    int to = Math.min(all.size(), from + CHUNK);
    List<String> ids = all.subList(from, to).stream().map(PlannedTrial::trialId).toList();
    sweeps.decide(
        connection,
        chunk.sweepId(),
        new SweepCommand.PlanTrials(chunk.chunk(), to == all.size(), ids),
        cause);
  }

  /**
   * Some trials in each transaction, whose streams are new, so that nobody waits for them; none for
   * a sweep that was cancelled meanwhile.
   */
  private void planTrials(Consequence.PlanTrials chunk, Cause cause) throws SQLException {
    SweepState state = transactions.call(connection -> sweeps.load(connection, chunk.sweepId()));
    List<PlannedTrial> all = plan(chunk.sweepId(), state.accepted());
    int from = Math.min(all.size(), chunk.chunk() * CHUNK);
    int to = Math.min(all.size(), from + CHUNK);
    for (int first = from; first < to; first += TRIALS_OF_A_TRANSACTION) {
      List<PlannedTrial> some = all.subList(first, Math.min(to, first + TRIALS_OF_A_TRANSACTION));
      transactions.run(
          connection -> {
            if (exists(connection, OPEN_SWEEP, chunk.sweepId())) {
              for (PlannedTrial trial : some) {
                trials.plan(connection, trial.trialId(), trial.planned(), cause);
              }
            }
          });
    }
  }

  private List<PlannedTrial> plan(String sweepId, SweepEvent.Accepted accepted) {
    synchronized (plans) {
      List<PlannedTrial> known = plans.get(sweepId);
      if (known != null) {
        return known;
      }
    }
    List<PlannedTrial> planned = planning.plan(sweepId, accepted);
    if (planned.size() != accepted.trials()) {
      throw new PermanentFailure(
          "expected "
              + accepted.trials()
              + " trials of sweep "
              + sweepId
              + " as accepted but planned "
              + planned.size());
    }
    synchronized (plans) {
      plans.put(sweepId, planned);
    }
    return planned;
  }

  private static boolean exists(Connection connection, String sql, String id) throws SQLException {
    try (var statement = connection.prepareStatement(sql)) {
      statement.setString(1, id);
      try (ResultSet rows = statement.executeQuery()) {
        return rows.next();
      }
    }
  }

  /** Carries a database error through {@link Consequences}, which knows of none. */
  private static final class LookUpFailed extends RuntimeException {

    private static final long serialVersionUID = 1L;

    LookUpFailed(SQLException cause) {
      super(cause);
    }

    @Override
    public synchronized SQLException getCause() {
      return (SQLException) super.getCause();
    }
  }

  /** Look-ups in the tables that the events keep. */
  private final class LookUp implements Consequences.View {

    private final Connection connection;

    LookUp(Connection connection) {
      this.connection = connection;
    }

    @Override
    public List<String> trialsOf(String sweepId) {
      return list("select trial_id from trial where sweep_id = ? order by trial_id", sweepId);
    }

    @Override
    public List<String> stagesClaimedBy(String sweepId) {
      return list(
          "select distinct stage_id from stage_claim where sweep_id = ? and live"
              + " order by stage_id",
          sweepId);
    }

    @Override
    public List<String> readersOf(String stageId) {
      return list(
          "select distinct stage_id from stage_input where input_stage_id = ? order by stage_id",
          stageId);
    }

    @Override
    public boolean paused(String sweepId) {
      return !list("select 1 from sweep where sweep_id = ? and state = 'PAUSED'", sweepId)
          .isEmpty();
    }

    @Override
    public StageState stage(String stageId) {
      return ask(connection -> stages.load(connection, stageId));
    }

    private List<String> list(String sql, String id) {
      return ask(
          connection -> {
            try (var statement = connection.prepareStatement(sql)) {
              statement.setString(1, id);
              try (ResultSet rows = statement.executeQuery()) {
                List<String> ids = new ArrayList<>();
                while (rows.next()) {
                  ids.add(rows.getString(1));
                }
                return ids;
              }
            }
          });
    }

    private <T> T ask(Transactions.Work<T> question) {
      try {
        return question.run(connection);
      } catch (SQLException e) {
        throw new LookUpFailed(e);
      }
    }
  }
}
