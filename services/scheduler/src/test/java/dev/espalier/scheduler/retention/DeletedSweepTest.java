package dev.espalier.scheduler.retention;

import static dev.espalier.scheduler.testing.TestPlatform.SOON;
import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.eventstore.EventStore;
import dev.espalier.eventstore.Transactions;
import dev.espalier.scheduler.replay.Replay;
import dev.espalier.scheduler.replay.ReplayOutcome;
import dev.espalier.scheduler.testing.LabelledPlanning;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.testkit.Eventually;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * A deleted sweep is shown to nobody, later forgotten, and takes nothing from those it shared with.
 */
class DeletedSweepTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static final String LABEL = "deleted";
  private static final Duration LONG = Duration.ofDays(1);

  private final TestPlatform platform = TestPlatform.shared();
  private final Transactions transactions = new Transactions(platform.dataSource());

  @Test
  void isForgottenButForWhatOthersShare() throws Exception {
    String own = stage("trial1");
    String shared = stage("trial0");
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(LABEL).build().start()) {
      String deleted = platform.submit(scheduler.sweeps(), LABEL, 2);
      platform.awaitState(deleted, "COMPLETED");
      String kept = platform.submit(scheduler.sweeps(), LABEL, 1);
      platform.awaitState(kept, "COMPLETED");

      assertThat(delete(scheduler, deleted)).isTrue();
      assertThat(delete(scheduler, deleted)).as("once is enough").isFalse();
      Eventually.within(
          SOON, () -> assertThat(count("trial", "sweep_id = '" + deleted + "'")).isZero());
      assertThat(count("sweep", "sweep_id = '" + deleted + "'")).isZero();
      assertThat(referenced()).contains(digest(own), digest(shared));
      projectionsAreWhatTheEventsSay();

      purge(LONG);
      assertThat(referenced()).as("not long enough ago").contains(digest(own));
      purge(Duration.ZERO);
      assertThat(events("sweep-" + deleted)).isEqualTo(1);
      assertThat(events("trial-" + deleted + "-t0")).isZero();
      assertThat(events("stage-" + own)).isEqualTo(1);
      assertThat(events("stage-" + shared)).isGreaterThan(3);
      assertThat(referenced()).contains(digest(shared)).doesNotContain(digest(own));
      projectionsAreWhatTheEventsSay();

      String again = platform.submit(scheduler.sweeps(), LABEL, 2);
      platform.awaitState(again, "COMPLETED");
      assertThat(platform.column("select generation from attempt where stage_id = ?", own))
          .as("done anew, fenced from what was before")
          .containsExactly("2");
      assertThat(platform.column("select generation from attempt where stage_id = ?", shared))
          .as("reused")
          .containsExactly("1");
      projectionsAreWhatTheEventsSay();
    }
  }

  @Test
  void onlyWhatHasEndedIsDeleted() throws Exception {
    try (SchedulerRuntime scheduler = platform.scheduler()) {
      String running = platform.submit(scheduler.sweeps(), "never-deleted", 1);
      assertThat(delete(scheduler, running)).isFalse();
      scheduler.sweeps().decide(running, new SweepCommand.Cancel(""), TestPlatform.cause());
      assertThat(delete(scheduler, running)).isTrue();
    }
  }

  @Test
  void pointsOfCurvesGoSomeTimeAfterTheirSweep() throws Exception {
    String sweep = "old-curves";
    run(
        """
        insert into sweep (sweep_id, team, name, state, run, canonical_spec_json, model_sha256,
          dataset_sha256, cells, trials, accepted_at, ended_at)
        values ('old-curves', 'a', 's', 'COMPLETED', 0, '{}', 'm', 'd', 1, 1, now(), now());
        insert into metric_point select 's' || n, 'train_loss', n, 1, 0.5, now(), 'old-curves', 't'
          from generate_series(1, 100) n""");
    try {
      String points = "sweep_id = '" + sweep + "'";
      new OldCurves(transactions, LONG).purge();
      assertThat(count("metric_point", points)).isEqualTo(100);
      new OldCurves(transactions, Duration.ZERO).purge();
      assertThat(count("metric_point", points)).isZero();
    } finally {
      run("delete from sweep where sweep_id = 'old-curves'"); // no event says it
    }
  }

  private boolean delete(SchedulerRuntime scheduler, String sweep) throws SQLException {
    return !scheduler
        .sweeps()
        .decide(sweep, new SweepCommand.Delete(), TestPlatform.cause())
        .isEmpty();
  }

  private void purge(Duration kept) throws SQLException {
    new Retention(transactions, new EventStore(), LONG, kept).purge();
  }

  private void projectionsAreWhatTheEventsSay() throws SQLException {
    ReplayOutcome outcome = new Replay(platform.dataSource()).compare().orElseThrow();
    assertThat(outcome.equal()).as("%s", outcome.tables()).isTrue();
  }

  private Set<String> referenced() throws SQLException {
    return transactions.call(ReferencedArtifacts::all);
  }

  private static String stage(String trial) {
    return LabelledPlanning.stageId(LABEL, StageKind.STAGE_KIND_FINETUNE, trial);
  }

  private static String digest(String stage) {
    return FakeWorker.artifact("of " + stage).getSha256();
  }

  private int events(String stream) throws SQLException {
    return platform.count("select count(*) from event where stream = ?", stream);
  }

  private int count(String table, String where) throws SQLException {
    return platform.count("select count(*) from " + table + " where " + where);
  }

  private void run(String sql) throws SQLException {
    transactions.run(
        connection -> {
          try (var statement = connection.createStatement()) {
            statement.execute(sql);
          }
        });
  }
}
