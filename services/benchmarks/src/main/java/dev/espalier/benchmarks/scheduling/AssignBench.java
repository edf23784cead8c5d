package dev.espalier.benchmarks.scheduling;

import dev.espalier.sweep.spec.SweepSpec;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Stages become runnable at a given rate, with slots free: how long until their lease is committed,
 * and until the worker has its assignment.
 *
 * <p>Sweeps of 20 trials are handed in one after the other, so that their stages come at the rate;
 * were all handed in at once, one would measure the queue for slots. Runnable is the clock reading
 * in the transaction that made the stage so; committed is PostgreSQL's commit timestamp.
 */
final class AssignBench {

  private static final int TRIALS_OF_A_SWEEP = 20;

  /** Sweeps that are not measured. */
  private static final int WARM_UP = 2;

  /** Search, and for each trial prune, finetune, evaluate. */
  private static final int STAGES_OF_A_SWEEP = 1 + 3 * TRIALS_OF_A_SWEEP;

  /** Keeps the transaction of each lease, whose row goes with the lease. */
  private static final String NOTE_LEASES =
      """
      create unlogged table bench_lease (lease_id uuid, stage_id text, xid xid8);
      create function bench_note() returns trigger language plpgsql as $$
      begin
        insert into bench_lease values (new.lease_id, new.stage_id, pg_current_xact_id());
        return null;
      end $$;
      create trigger bench_note after insert on lease
        for each row execute function bench_note();
      """;

  private static final String LEASES =
      """
      select b.lease_id::text, s.runnable_at, pg_xact_commit_timestamp(b.xid::xid) as committed_at
      from bench_lease b join stage s using (stage_id)
      where s.generation = 1
      """;

  private AssignBench() {}

  static Map<String, Object> run(ScalePlatform platform, ScaleOptions options) throws SQLException {
    platform.startBroker();
    platform.startScheduler();
    platform.run(NOTE_LEASES);
    Sweeps sweeps = new Sweeps(platform.dataSource());
    SweepSpec warmUp = Sweeps.spec("warm-up", TRIALS_OF_A_SWEEP);
    try (Fleet fleet =
        new Fleet(platform.bootstrapServers(), options.workers(), Sweeps.plan(warmUp))) {
      submitAtRate(sweeps, "warm-up", WARM_UP, options.rate());
      awaitCompleted(platform, WARM_UP);
      platform.run("truncate bench_lease");
      Load before = Load.of(platform);
      int howMany = options.cells() / TRIALS_OF_A_SWEEP;
      submitAtRate(sweeps, "bench", howMany, options.rate());
      awaitCompleted(platform, WARM_UP + howMany);
      Load load = Load.of(platform).since(before);
      return figures(platform, fleet, options, load);
    }
  }

  private static void submitAtRate(Sweeps sweeps, String name, int howMany, int rate)
      throws SQLException {
    long began = System.nanoTime();
    for (int i = 0; i < howMany; i++) {
      sweeps.submit(Sweeps.spec(name + "-" + i, TRIALS_OF_A_SWEEP));
      long next = began + (long) ((i + 1) * 1e9 * STAGES_OF_A_SWEEP / rate);
      ScalePlatform.sleep(Math.max(0, (next - System.nanoTime()) / 1_000_000));
    }
  }

  private static void awaitCompleted(ScalePlatform platform, int sweeps) throws SQLException {
    platform.await(
        "select count(*) from sweep where state = 'COMPLETED'", sweeps, Duration.ofMinutes(30));
  }

  private static Map<String, Object> figures(
      ScalePlatform platform, Fleet fleet, ScaleOptions options, Load load) throws SQLException {
    Map<String, Instant> received = fleet.received();
    List<Double> committed = new ArrayList<>();
    List<Double> arrived = new ArrayList<>();
    Instant first = Instant.MAX;
    Instant last = Instant.MIN;
    try (var connection = platform.dataSource().getConnection();
        var statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(LEASES)) {
      while (rows.next()) {
        Instant runnable = rows.getTimestamp("runnable_at").toInstant();
        Timestamp commit = rows.getTimestamp("committed_at");
        committed.add(millis(runnable, commit.toInstant()));
        arrived.add(millis(runnable, received.get(rows.getString(1))));
        first = commit.toInstant().isBefore(first) ? commit.toInstant() : first;
        last = commit.toInstant().isAfter(last) ? commit.toInstant() : last;
      }
    }
    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("benchmark", "assign");
    figures.put("cells", options.cells());
    figures.put("workers", options.workers());
    figures.put("slots", Fleet.SLOTS);
    figures.put("offered_per_s", options.rate());
    figures.put("assignments", committed.size());
    figures.put("assignments_per_s", Tail.tenths(committed.size() / (millis(first, last) / 1000)));
    figures.put("committed_p50_ms", Tail.percentile(committed, 0.5));
    figures.put("committed_p99_ms", Tail.percentile(committed, 0.99));
    figures.put("received_p50_ms", Tail.percentile(arrived, 0.5));
    figures.put("received_p99_ms", Tail.percentile(arrived, 0.99));
    figures.put("commits_per_assignment", Tail.tenths(load.commits() / committed.size()));
    figures.put("scheduler_cpu_s", Tail.tenths(load.scheduler()));
    figures.put("broker_cpu_s", Tail.tenths(load.broker()));
    figures.put("workers_cpu_s", Tail.tenths(load.workers()));
    return figures;
  }

  private static double millis(Instant from, Instant to) {
    return Duration.between(from, to).toNanos() / 1e6;
  }
}
