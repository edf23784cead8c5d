package dev.espalier.scheduler.api;

import static dev.espalier.scheduler.api.Sql.first;
import static dev.espalier.scheduler.api.Sql.instant;
import static dev.espalier.scheduler.api.Sql.list;
import static dev.espalier.scheduler.api.Sql.number;
import static dev.espalier.scheduler.api.Sql.whole;

import dev.espalier.scheduler.api.SweepStatus.Best;
import dev.espalier.scheduler.api.SweepStatus.FailedTrial;
import dev.espalier.scheduler.api.SweepStatus.Line;
import dev.espalier.scheduler.api.SweepStatus.RunningStage;
import dev.espalier.scheduler.api.SweepStatus.StageCount;
import dev.espalier.scheduler.api.SweepStatus.TrialLine;
import dev.espalier.scheduler.api.SweepStatus.Trials;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;

/** Answers questions about running sweeps from the projections. */
public final class SweepReader {

  /** So that no answer grows without bound. */
  private static final int MAX_ROWS = 500;

  private static final String SWEEPS =
      """
      select sweep_id, name, team, state, run, trials, succeeded, failed, cancelled,
        stopped, accepted_at, ended_at
      from sweep\
      """;

  private static final String TRIALS =
      """
      select case when s.strategy = 'bisection' and s.ended_at is not null
          then count(t.trial_id) else s.trials end as total,
        count(t.trial_id) filter (where t.state = 'RUNNING') as running,
        count(t.trial_id) filter (where t.state = 'SUCCEEDED') as succeeded,
        count(t.trial_id) filter (where t.state = 'FAILED') as failed,
        count(t.trial_id) filter (where t.state = 'CANCELLED') as cancelled,
        count(t.trial_id) filter (where t.state = 'STOPPED') as stopped,
        count(t.trial_id) filter (where t.paused) as paused
      from sweep s left join trial t using (sweep_id)
      where s.sweep_id = ? group by s.trials, s.strategy, s.ended_at\
      """;

  private static final String STAGES =
      """
      with needed as (
        select distinct ts.stage_id from trial t join trial_stage ts using (trial_id)
        where t.sweep_id = ?),
      claims as (
        select c.stage_id, count(*) as trials, bool_and(c.reused) filter (where c.sweep_id = ?) as reused
        from stage_claim c join needed using (stage_id) group by c.stage_id)
      select g.kind,
        count(*) as total,
        count(*) filter (where g.state in ('WAITING', 'RUNNABLE')) as waiting,
        count(*) filter (where g.state = 'RUNNING') as running,
        count(*) filter (where g.state = 'SUCCEEDED') as done,
        count(*) filter (where g.state = 'FAILED') as failed,
        count(*) filter (where c.trials > 1) as shared,
        count(*) filter (where c.reused) as reused
      from needed n join stage g using (stage_id) left join claims c using (stage_id)
      group by g.kind
      order by array_position(array['PRETRAIN','SEARCH','PRUNE','REDISTRIBUTE','FINETUNE','EVALUATE'], g.kind)\
      """;

  private static final String BEST =
      """
      select t.trial_id, t.method, t.redistribution, t.target_kind, t.keep_ratio, t.seed, m.value
      from trial t join trial_measurement m using (trial_id)
      where t.sweep_id = ? and m.name = 'top1_accuracy' and m.value <> 'NaN'
      order by m.value desc, t.trial_id limit 1\
      """;

  private static final String RUNNING =
      """
      select g.stage_id, g.kind, g.algorithm, l.worker_id, g.device, g.started_at, l.step,
        l.total_steps, l.images_per_second, t.trial_id, t.method, t.redistribution, t.target_kind,
        t.keep_ratio, t.seed, e.epoch, e.top1
      from stage g
      join lease l using (stage_id)
      join lateral (
        select t.* from trial t join trial_stage ts using (trial_id)
        where t.sweep_id = ? and ts.stage_id = g.stage_id order by t.trial_id limit 1) t on true
      left join lateral (
        select epoch, top1 from epoch_evaluated e where e.stage_id = g.stage_id
        order by epoch desc limit 1) e on true
      where g.state = 'RUNNING'
      order by g.started_at nulls last, g.stage_id limit 500\
      """;

  private static final String SPENDING =
      """
      select s.device_hours_cap, s.cancel_reason, coalesce((
          select sum(extract(epoch from coalesce(a.ended_at, clock_timestamp()) - a.assigned_at))
          from attempt a where a.sweep_id = s.sweep_id), 0) / 3600 as used
      from sweep s where s.sweep_id = ?\
      """;

  private static final String FAILURES =
      """
      select trial_id, failed_stage_id, failure_category, failure_code, failure_message
      from trial where sweep_id = ? and state = 'FAILED' order by ended_at, trial_id limit 500\
      """;

  /** Expected seconds per stage of a kind: of this sweep, or else of the latest elsewhere. */
  private static final String REMAINING =
      """
      with needed as (
        select distinct ts.stage_id from trial t join trial_stage ts using (trial_id)
        where t.sweep_id = ? and t.state in ('PLANNED', 'RUNNING')),
      left_over as (
        select g.kind, g.algorithm,
          sum(case when g.state = 'RUNNING' and l.total_steps > 0
            then greatest(0, 1 - l.step::double precision / l.total_steps) else 1 end) as stages
        from needed n join stage g using (stage_id) left join lease l using (stage_id)
        where g.state in ('WAITING', 'RUNNABLE', 'RUNNING') group by g.kind, g.algorithm)
      select r.kind, r.stages,
        coalesce(
          (select percentile_cont(0.5) within group (order by g.wall_seconds)
           from stage g where g.state = 'SUCCEEDED' and g.kind = r.kind
             and g.algorithm = r.algorithm and exists (
               select 1 from stage_claim c where c.stage_id = g.stage_id and c.sweep_id = ?)),
          (select percentile_cont(0.5) within group (order by d.wall_seconds) from (
             select g.wall_seconds from stage g
             where g.state = 'SUCCEEDED' and g.kind = r.kind and g.algorithm = r.algorithm
             order by g.ended_at desc limit 50) d)) as seconds,
        (select coalesce(sum(w.slots), 0) from worker w where w.state = 'ACTIVE' and exists (
           select 1 from worker_capability c where c.worker_id = w.worker_id and c.kind = r.kind))
           as slots
      from left_over r\
      """;

  private final DataSource dataSource;

  public SweepReader(DataSource dataSource) {
    this.dataSource = dataSource;
  }

  /** The latest sweeps first. */
  public List<Line> sweeps() throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      return list(
          connection,
          SWEEPS + " order by accepted_at desc, sweep_id limit " + MAX_ROWS,
          SweepReader::line);
    }
  }

  public Optional<Line> sweep(String sweepId) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      return first(connection, SWEEPS + " where sweep_id = ?", SweepReader::line, sweepId);
    }
  }

  public Optional<TrialLine> trial(String trialId) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      return first(
          connection,
          "select trial_id, sweep_id, state, paused from trial where trial_id = ?",
          row ->
              new TrialLine(
                  row.getString("trial_id"),
                  row.getString("sweep_id"),
                  row.getString("state"),
                  row.getBoolean("paused")),
          trialId);
    }
  }

  public Optional<SweepStatus> status(String sweepId) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      Optional<Line> found =
          first(connection, SWEEPS + " where sweep_id = ?", SweepReader::line, sweepId);
      if (found.isEmpty()) {
        return Optional.empty();
      }
      Line sweep = found.get();
      boolean open = sweep.endedAt() == null;
      Spending spending = first(connection, SPENDING, SweepReader::spending, sweepId).orElseThrow();
      return Optional.of(
          new SweepStatus(
              sweep.id(),
              sweep.name(),
              sweep.team(),
              sweep.state(),
              sweep.run(),
              sweep.acceptedAt(),
              sweep.endedAt(),
              first(connection, TRIALS, SweepReader::trials, sweepId).orElseThrow(),
              list(connection, STAGES, SweepReader::stageCount, sweepId, sweepId),
              open ? eta(connection, sweepId) : null,
              spending.used(),
              spending.cap(),
              spending.reason(),
              first(connection, BEST, SweepReader::best, sweepId).orElse(null),
              open ? list(connection, RUNNING, SweepReader::running, sweepId) : List.of(),
              list(connection, FAILURES, SweepReader::failed, sweepId)));
    }
  }

  private record Spending(double used, Double cap, String reason) {}

  private static Spending spending(ResultSet row) throws SQLException {
    return new Spending(
        row.getDouble("used"), number(row, "device_hours_cap"), row.getString("cancel_reason"));
  }

  private record Remaining(String kind, double stages, Double seconds, int slots) {}

  /**
   * What is left of each kind, at the pace measured so far, on the slots there are. Evaluations run
   * alone, so their time adds up. Null while a kind that is needed was never measured.
   */
  private static Double eta(Connection connection, String sweepId) throws SQLException {
    List<Remaining> remaining =
        list(
            connection,
            REMAINING,
            row ->
                new Remaining(
                    row.getString("kind"),
                    row.getDouble("stages"),
                    number(row, "seconds"),
                    row.getInt("slots")),
            sweepId,
            sweepId);
    if (remaining.isEmpty()
        || remaining.stream().anyMatch(r -> r.seconds == null && !r.kind.equals("REDISTRIBUTE"))) {
      return null;
    }
    return remaining.stream()
        .mapToDouble(
            r ->
                r.stages
                    * (r.seconds == null ? 1 : r.seconds)
                    / (r.kind.equals("EVALUATE") ? 1 : Math.max(1, r.slots)))
        .sum();
  }

  private static Line line(ResultSet row) throws SQLException {
    return new Line(
        row.getString("sweep_id"),
        row.getString("name"),
        row.getString("team"),
        row.getString("state"),
        row.getInt("run"),
        row.getInt("trials"),
        row.getInt("succeeded"),
        row.getInt("failed"),
        row.getInt("cancelled"),
        row.getInt("stopped"),
        instant(row, "accepted_at"),
        instant(row, "ended_at"));
  }

  private static Trials trials(ResultSet row) throws SQLException {
    int total = row.getInt("total");
    int running = row.getInt("running");
    int succeeded = row.getInt("succeeded");
    int failed = row.getInt("failed");
    int cancelled = row.getInt("cancelled");
    int stopped = row.getInt("stopped");
    return new Trials(
        total,
        total - running - succeeded - failed - cancelled - stopped,
        running,
        succeeded,
        failed,
        cancelled,
        stopped,
        row.getInt("paused"));
  }

  private static StageCount stageCount(ResultSet row) throws SQLException {
    return new StageCount(
        row.getString("kind"),
        row.getInt("total"),
        row.getInt("waiting"),
        row.getInt("running"),
        row.getInt("done"),
        row.getInt("failed"),
        row.getInt("shared"),
        row.getInt("reused"));
  }

  private static Best best(ResultSet row) throws SQLException {
    return new Best(
        row.getString("trial_id"),
        row.getString("method"),
        row.getString("redistribution"),
        row.getString("target_kind"),
        row.getDouble("keep_ratio"),
        row.getLong("seed"),
        row.getDouble("value"));
  }

  private static RunningStage running(ResultSet row) throws SQLException {
    return new RunningStage(
        row.getString("stage_id"),
        row.getString("kind"),
        row.getString("algorithm"),
        row.getString("trial_id"),
        row.getString("method"),
        row.getString("redistribution"),
        row.getString("target_kind"),
        number(row, "keep_ratio"),
        whole(row, "seed"),
        row.getString("worker_id"),
        row.getString("device"),
        instant(row, "started_at"),
        whole(row, "step"),
        whole(row, "total_steps"),
        number(row, "images_per_second"),
        whole(row, "epoch"),
        number(row, "top1"));
  }

  private static FailedTrial failed(ResultSet row) throws SQLException {
    return new FailedTrial(
        row.getString("trial_id"),
        row.getString("failed_stage_id"),
        row.getString("failure_category"),
        row.getString("failure_code"),
        row.getString("failure_message"));
  }
}
