package dev.espalier.scheduler.process;

import dev.espalier.eventstore.Transactions;
import dev.espalier.scheduler.stream.StageStreams;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.stream.TrialStreams;
import dev.espalier.sweep.lifecycle.Consequences;
import dev.espalier.sweep.lifecycle.StageEvent;
import dev.espalier.sweep.lifecycle.StageState;
import dev.espalier.sweep.lifecycle.SweepState;
import dev.espalier.sweep.lifecycle.TrialState;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Look-ups in the tables that the events keep; those of many events are read at once. */
final class LookUps implements Consequences.View {

  private static final String READERS =
      """
      select wanted.key, r.stage_id from unnest(?::text[]) as wanted (key), lateral (
        select distinct stage_id from stage_input where input_stage_id = wanted.key
        order by stage_id) r
      """;

  private static final String PAUSED =
      """
      select wanted.key, s.sweep_id from unnest(?::text[]) as wanted (key), lateral (
        select sweep_id from sweep where sweep_id = wanted.key and state = 'PAUSED' limit 1) s
      """;

  private static final String TRIALS =
      "select sweep_id, trial_id from trial where sweep_id = any(?) order by trial_id";

  private static final String CLAIMED =
      """
      select sweep_id, stage_id from stage_claim where sweep_id = any(?) and live
      group by sweep_id, stage_id order by stage_id
      """;

  private static final String WATCHERS =
      """
      select c.stage_id, c.trial_id from stage_claim c join sweep s using (sweep_id)
      where c.stage_id = any(?) and c.live and s.watches_epochs order by c.trial_id
      """;

  private final Connection connection;
  private final SweepStreams sweeps;
  private final Map<String, List<String>> readers;
  private final Set<String> paused;
  private final Map<String, StageState> stages;
  private final Map<String, List<String>> watchers;
  private final Map<String, TrialState> trials;

  /** For events of sweeps and trials. */
  LookUps(Connection connection, SweepStreams sweeps) {
    this(connection, sweeps, Map.of(), Set.of(), Map.of(), Map.of(), Map.of());
  }

  private LookUps(
      Connection connection,
      SweepStreams sweeps,
      Map<String, List<String>> readers,
      Set<String> paused,
      Map<String, StageState> stages,
      Map<String, List<String>> watchers,
      Map<String, TrialState> trials) {
    this.connection = connection;
    this.sweeps = sweeps;
    this.watchers = watchers;
    this.trials = trials;
    this.readers = readers;
    this.paused = paused;
    this.stages = stages;
  }

  /** A stage's event. */
  record Happened(String stageId, long version, StageEvent event) {}

  /**
   * What the consequences of these events of stages ask for.
   *
   * @param states stages right after those events, by stage and version
   */
  static LookUps of(
      Connection connection,
      StageStreams streams,
      TrialStreams trials,
      List<Happened> all,
      Map<String, Map<Long, StageState>> states)
      throws SQLException {
    Set<String> trained = new HashSet<>();
    Set<String> succeeded = new HashSet<>();
    Set<String> sweeps = new HashSet<>();
    Set<String> inputs = new HashSet<>();
    for (Happened one : all) {
      if (one.event instanceof StageEvent.Succeeded) {
        succeeded.add(one.stageId);
      } else if (one.event instanceof StageEvent.Claimed claimed) {
        sweeps.add(claimed.sweepId());
        if (!states.get(one.stageId).get(one.version).curve().isEmpty()) {
          trained.add(one.stageId);
        }
      } else if (one.event instanceof StageEvent.EpochEvaluated) {
        trained.add(one.stageId);
      } else if (one.event instanceof StageEvent.Requested requested) {
        inputs.addAll(requested.inputs());
      }
    }
    Map<String, List<String>> watchers = pairs(connection, WATCHERS, trained);
    return new LookUps(
        connection,
        null,
        pairs(connection, READERS, succeeded),
        pairs(connection, PAUSED, sweeps).keySet(),
        streams.load(connection, inputs),
        watchers,
        trials.load(
            connection, watchers.values().stream().flatMap(List::stream).distinct().toList()));
  }

  @Override
  public List<String> trialsOf(String sweepId) {
    return ask(TRIALS, sweepId);
  }

  @Override
  public List<String> stagesClaimedBy(String sweepId) {
    return ask(CLAIMED, sweepId);
  }

  @Override
  public List<String> readersOf(String stageId) {
    return readers.getOrDefault(stageId, List.of());
  }

  @Override
  public boolean paused(String sweepId) {
    return paused.contains(sweepId);
  }

  @Override
  public StageState stage(String stageId) {
    return stages.get(stageId);
  }

  @Override
  public List<String> watchersOf(String stageId) {
    return watchers.getOrDefault(stageId, List.of());
  }

  @Override
  public TrialState trial(String trialId) {
    return trials.get(trialId);
  }

  @Override
  public int chunks(String sweepId) {
    return sweep(sweepId).chunks();
  }

  @Override
  public int rungAt(String sweepId, int epoch) {
    return sweep(sweepId).search().rungAt(epoch);
  }

  private SweepState sweep(String sweepId) {
    try {
      return sweeps.load(connection, sweepId);
    } catch (SQLException e) {
      throw new Failed(e);
    }
  }

  private List<String> ask(String sql, String id) {
    try {
      return pairs(connection, sql, Set.of(id)).getOrDefault(id, List.of());
    } catch (SQLException e) {
      throw new Failed(e);
    }
  }

  /** Second columns by first. */
  private static Map<String, List<String>> pairs(
      Connection connection, String sql, Collection<String> keys) throws SQLException {
    Map<String, List<String>> found = new HashMap<>();
    if (keys.isEmpty()) {
      return found;
    }
    try (var statement = connection.prepareStatement(sql)) {
      statement.setArray(1, connection.createArrayOf("text", keys.toArray()));
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          found.computeIfAbsent(rows.getString(1), key -> new ArrayList<>()).add(rows.getString(2));
        }
      }
    }
    return found;
  }

  /** Runs look-ups; a database error comes out as what it is. */
  static <T> T run(Transactions transactions, Transactions.Work<T> work) throws SQLException {
    return transactions.call(
        connection -> {
          try {
            return work.run(connection);
          } catch (Failed e) {
            throw e.getCause();
          }
        });
  }

  /** Carries a database error through {@link Consequences}, which knows of none. */
  private static final class Failed extends RuntimeException {

    private static final long serialVersionUID = 1L;

    Failed(SQLException cause) {
      super(cause);
    }

    @Override
    public synchronized SQLException getCause() {
      return (SQLException) super.getCause();
    }
  }
}
