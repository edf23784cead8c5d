package dev.espalier.scheduler.process;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.PermanentFailure;
import dev.espalier.scheduler.process.TrialPlanning.PlannedTrial;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.Changes;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.stream.TrialStreams;
import dev.espalier.sweep.lifecycle.Consequence;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.sweep.lifecycle.SweepEvent;
import dev.espalier.sweep.lifecycle.SweepState;
import dev.espalier.sweep.spec.Strategy;
import dev.espalier.sweep.strategy.Search;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Makes a sweep's trials known, chunk by chunk, so that no message grows with the sweep. */
final class GridPlanner {

  /** Trials that one event of a sweep makes known; keeps every message far below 1 MB. */
  static final int CHUNK = 500;

  /** Spares commits, which wait for the disk, and keeps locks short. */
  private static final int TRIALS_OF_A_TRANSACTION = 250;

  private static final int REMEMBERED_PLANS = 8;

  private static final String OPEN_SWEEP =
      """
      select 1 from sweep where sweep_id = ? and state in ('ACCEPTED', 'RUNNING', 'PAUSED')
      for share
      """;

  private final Transactions transactions;
  private final EventStore events;
  private final SweepStreams sweeps;
  private final TrialStreams trials;
  private final TrialPlanning planning;

  /** What a sweep unfolds into, in its order and by the trials' ids. */
  private record Plan(List<PlannedTrial> trials, Map<String, PlannedTrial> byId) {

    static Plan of(List<PlannedTrial> trials) {
      return new Plan(
          trials,
          trials.stream().collect(Collectors.toMap(PlannedTrial::trialId, Function.identity())));
    }
  }

  private final Map<String, Plan> plans =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Plan> eldest) {
          return size() > REMEMBERED_PLANS;
        }
      };

  GridPlanner(
      Transactions transactions,
      EventStore events,
      SweepStreams sweeps,
      TrialStreams trials,
      TrialPlanning planning) {
    this.transactions = transactions;
    this.events = events;
    this.sweeps = sweeps;
    this.trials = trials;
    this.planning = planning;
  }

  /** Tells the sweep which trials a chunk has. */
  void planChunk(Changes changes, Consequence.PlanChunk chunk, Cause cause) throws SQLException {
    SweepState state = sweeps.load(changes.connection(), chunk.sweepId());
    List<PlannedTrial> all = plan(chunk.sweepId(), state).trials();
    Optional<Search.Chunk> next = state.search().chunk(chunk.chunk(), all.size(), CHUNK);
    if (next.isEmpty()) {
      return; // asked for before it was decided; the decision asks again
    }
    List<String> ids = next.get().places().stream().map(place -> all.get(place).trialId()).toList();
    sweeps.decide(
        changes,
        chunk.sweepId(),
        new SweepCommand.PlanTrials(chunk.chunk(), next.get().last(), ids),
        cause);
  }

  /**
   * Some trials in each transaction, whose streams are new, so that nobody waits for them; none for
   * a sweep that was cancelled meanwhile.
   */
  void planTrials(Consequence.PlanTrials chunk, Cause cause) throws SQLException {
    SweepState state = transactions.call(connection -> sweeps.load(connection, chunk.sweepId()));
    Map<String, PlannedTrial> planned = plan(chunk.sweepId(), state).byId();
    List<PlannedTrial> all =
        chunk.trialIds().stream()
            .map(
                id ->
                    Optional.ofNullable(planned.get(id))
                        .orElseThrow(
                            () ->
                                new PermanentFailure(
                                    "expected trial %s in the plan of sweep %s but it is not there"
                                        .formatted(id, chunk.sweepId()))))
            .toList();
    for (int first = 0; first < all.size(); first += TRIALS_OF_A_TRANSACTION) {
      List<PlannedTrial> some =
          all.subList(first, Math.min(all.size(), first + TRIALS_OF_A_TRANSACTION));
      Changes.in(
          transactions,
          events,
          changes -> {
            if (isOpen(changes.connection(), chunk.sweepId())) {
              trials.prepare(changes, some.stream().map(PlannedTrial::trialId).toList());
              for (PlannedTrial trial : some) {
                trials.plan(changes, trial.trialId(), trial.planned(), cause);
              }
            }
            return null;
          });
    }
  }

  private Plan plan(String sweepId, SweepState state) {
    synchronized (plans) {
      Plan known = plans.get(sweepId);
      if (known != null) {
        return known;
      }
    }
    SweepEvent.Accepted accepted = state.accepted();
    List<PlannedTrial> planned = planning.plan(sweepId, accepted);
    Strategy strategy = state.search().rules().strategy();
    boolean part = strategy instanceof Strategy.Random || strategy instanceof Strategy.Bisection;
    if (!part && planned.size() != accepted.trials()) {
      throw new PermanentFailure(
          "expected "
              + accepted.trials()
              + " trials of sweep "
              + sweepId
              + " as accepted but planned "
              + planned.size());
    }
    Plan plan = Plan.of(planned);
    synchronized (plans) {
      plans.put(sweepId, plan);
    }
    return plan;
  }

  private static boolean isOpen(Connection connection, String sweepId) throws SQLException {
    try (var statement = connection.prepareStatement(OPEN_SWEEP)) {
      statement.setString(1, sweepId);
      try (ResultSet rows = statement.executeQuery()) {
        return rows.next();
      }
    }
  }
}
