package dev.espalier.scheduler.replay;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.artifacts.store.DirectoryArtifactStore;
import dev.espalier.scheduler.api.ResultsReader;
import dev.espalier.scheduler.replay.ReplayOutcome.TableOutcome;
import dev.espalier.scheduler.report.HtmlReport;
import dev.espalier.scheduler.report.ResultsJson;
import dev.espalier.scheduler.report.SweepResults;
import dev.espalier.scheduler.report.TrialCsv;
import dev.espalier.scheduler.testing.LabelledPlanning;
import dev.espalier.scheduler.testing.TestPlatform;
import dev.espalier.scheduler.wiring.SchedulerRuntime;
import dev.espalier.schemas.stage.v1.EpochEvaluated;
import dev.espalier.schemas.stage.v1.FailureCategory;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.testkit.FakeWorker;
import dev.espalier.testkit.FakeWorker.Ending;
import dev.espalier.testkit.KafkaCluster;
import dev.espalier.testkit.Postgres;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** Histories of real schedulers: of trials that succeed, fail and are cancelled. */
class ReplayTest {

  @RegisterExtension static final KafkaCluster KAFKA = KafkaCluster.shared();
  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static final String LABEL = "replayed";
  private static String finished;

  @TempDir private Path directory;

  private final TestPlatform platform = TestPlatform.shared();
  private final Replay replay = new Replay(platform.dataSource());

  @BeforeEach
  void runSweeps() throws SQLException {
    if (finished != null) {
      return;
    }
    String wrong = LabelledPlanning.stageId(LABEL, StageKind.STAGE_KIND_FINETUNE, "trial1");
    FakeWorker[] self = new FakeWorker[1];
    FakeWorker.Script script =
        (command, assignment) -> {
          if (command.getStageId().equals(wrong)) {
            return new Ending.Failure(
                FailureCategory.FAILURE_CATEGORY_SPEC, "NAN_LOSS", "the loss is not a number");
          }
          self[0].report(
              self[0]
                  .reportFor(command)
                  .setEpochEvaluated(EpochEvaluated.newBuilder().setEpoch(1).setTop1Accuracy(0.5))
                  .build());
          return assignment.getGeneration() == 1
              ? new Ending.Interrupted("once")
              : TestPlatform.success(command.getStageId());
        };
    try (SchedulerRuntime scheduler = platform.scheduler();
        FakeWorker worker = platform.worker(LABEL).script(script).build()) {
      self[0] = worker;
      String cancelled = platform.submit(scheduler.sweeps(), "cancelled-" + LABEL, 2);
      scheduler
          .sweeps()
          .decide(cancelled, new SweepCommand.Cancel("changed my mind"), TestPlatform.cause());
      worker.start();
      String sweep = platform.submit(scheduler.sweeps(), LABEL, 3);
      platform.awaitState(sweep, "COMPLETED");
      platform.awaitState(cancelled, "CANCELLED");
      finished = sweep;
    }
  }

  @Test
  void findsInTheTablesWhatTheEventsSay() throws SQLException {
    ReplayOutcome outcome = replay.compare().orElseThrow();

    assertThat(outcome.tables())
        .allSatisfy(
            table -> {
              assertThat(table.missing()).as(table.table()).isZero();
              assertThat(table.unexpected()).as(table.table()).isZero();
            });
    assertThat(outcome.equal()).isTrue();
    assertThat(outcome.rebuilt()).isFalse();
    assertThat(outcome.events())
        .isEqualTo(platform.count("select count(*) from event where stream not like 'outbox/%'"));
  }

  @Test
  void namesTheTableThatSaysSomethingElse() throws SQLException {
    execute(
        "update stage_output set size_bytes = size_bytes + 1 where stage_id in "
            + "(select stage_id from stage where algorithm = '"
            + LABEL
            + "' and kind = 'SEARCH')");
    execute("delete from trial_measurement where trial_id like '" + finished + "%t0'");

    ReplayOutcome outcome = replay.compare().orElseThrow();

    assertThat(outcome.equal()).isFalse();
    assertThat(outcome.tables())
        .filteredOn(table -> table.missing() + table.unexpected() > 0)
        .extracting(TableOutcome::table, TableOutcome::missing, TableOutcome::unexpected)
        .containsExactlyInAnyOrder(
            org.assertj.core.groups.Tuple.tuple("stage_output", 1L, 1L),
            org.assertj.core.groups.Tuple.tuple("trial_measurement", 1L, 0L));

    assertThat(replay.rebuild().orElseThrow().equal()).as("before it was rebuilt").isFalse();
    assertThat(replay.compare().orElseThrow().equal()).isTrue();
  }

  @Test
  void restoresReportsByteForByteFromEmptyTables() throws SQLException {
    List<String> before = reports();
    for (ProjectedTables.Table table : ProjectedTables.ALL) {
      execute("truncate " + table.name());
    }

    ReplayOutcome outcome = replay.rebuild().orElseThrow();

    assertThat(outcome.rebuilt()).isTrue();
    assertThat(replay.compare().orElseThrow().equal()).isTrue();
    assertThat(reports()).isEqualTo(before);
    assertThat(before.get(0)).contains("0.75");
  }

  @Test
  void refusesAProjectionThatWritesElsewhere() {
    assertThatThrownBy(() -> ProjectedTables.check("update worker set state = 'LEFT'"))
        .hasMessageContaining("expected projections to write to one of")
        .hasMessageContaining("update worker");
  }

  private List<String> reports() throws SQLException {
    SweepResults results =
        new ResultsReader(platform.dataSource(), new DirectoryArtifactStore(directory))
            .results(finished)
            .orElseThrow();
    return List.of(ResultsJson.write(results), HtmlReport.write(results), TrialCsv.write(results));
  }

  private void execute(String sql) throws SQLException {
    try (var connection = platform.dataSource().getConnection();
        var statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
