package dev.espalier.scheduler.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.artifacts.store.DirectoryArtifactStore;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.scheduler.report.HtmlReport;
import dev.espalier.scheduler.report.SweepResults;
import dev.espalier.scheduler.report.SweepResults.CellResult;
import dev.espalier.scheduler.report.SweepResults.TrialResult;
import dev.espalier.schemas.stage.v1.Numerics;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.schemas.text.SweepProto;
import dev.espalier.testkit.Postgres;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** One sweep of two seeds: the first is done, the second trains; they share search and cut. */
class ReadersTest {

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static final String SWEEP = "0123456789abcdef";

  @TempDir Path directory;
  private DataSource dataSource;
  private DirectoryArtifactStore store;

  @BeforeEach
  void fill() throws Exception {
    dataSource = Postgres.shared().newDatabase().dataSource();
    Flyway.configure().dataSource(dataSource).load().migrate();
    store = new DirectoryArtifactStore(directory);
    run(
        """
        insert into sweep (sweep_id, team, name, state, run, canonical_spec_json, model_sha256,
          dataset_sha256, cells, trials, planned, succeeded, accepted_at)
        values ('%s', 'vision', 'readers', 'RUNNING', 0, '{"model":"vit","dataset":"images"}',
          'aa', 'bb', 1, 2, 2, 1, now() - interval '1 minute')\
        """
            .formatted(SWEEP));
    for (int seed = 1; seed <= 2; seed++) {
      String trial = SWEEP + "-cell-s" + seed;
      run(
          """
          insert into trial (trial_id, sweep_id, cell_id, method, redistribution, target_kind,
            keep_ratio, seed, priority, state, planned_at)
          values ('%s', '%s', 'cell', 'magnitude', 'none', 'macs', 0.5, %d, 0, '%s', now())\
          """
              .formatted(trial, SWEEP, seed, seed == 1 ? "SUCCEEDED" : "RUNNING"));
      String[] walk = {"search", "prune", "finetune" + seed, "evaluate" + seed};
      for (int i = 0; i < walk.length; i++) {
        run(
            "insert into trial_stage (trial_id, position, stage_id) values ('%s', %d, '%s')"
                .formatted(trial, i, walk[i]));
        run(
            """
            insert into stage_claim (stage_id, trial_id, sweep_id, priority, claimed_at, reused)
            values ('%s', '%s', '%s', 0, now(), %s)\
            """
                .formatted(walk[i], trial, SWEEP, walk[i].equals("search")));
      }
    }
    stage("search", StageKind.STAGE_KIND_SEARCH, "SUCCEEDED", 8.0);
    stage("prune", StageKind.STAGE_KIND_PRUNE, "SUCCEEDED", 1.0);
    stage("finetune1", StageKind.STAGE_KIND_FINETUNE, "SUCCEEDED", 20.0);
    stage("evaluate1", StageKind.STAGE_KIND_EVALUATE, "SUCCEEDED", 6.0);
    stage("finetune2", StageKind.STAGE_KIND_FINETUNE, "RUNNING", null);
    stage("evaluate2", StageKind.STAGE_KIND_EVALUATE, "WAITING", null);
    run(
        """
        insert into lease (stage_id, lease_id, generation, worker_id, sweep_id, trial_id, alone,
          assigned_at, until, progress_at, step, total_steps, images_per_second)
        values ('finetune2', gen_random_uuid(), 1, 'trainer-1', '%s', 't', false, now(), now(),
          now(), 30, 40, 812.5)\
        """
            .formatted(SWEEP));
    run(
        """
        insert into epoch_evaluated values ('finetune1', 1, 0, 0, 0.31, 0.8, 2.0, 'NaN', now()),
          ('finetune1', 1, 1, 96, 0.78, 0.9, 0.7, 0.9, now()),
          ('finetune2', 1, 1, 96, 0.66, 0.9, 0.7, 0.9, now())\
        """);
    plan("prune", 96);
    String evaluation =
        store
            .put(
                "{\"deviceName\":\"A fast CPU\",\"warmUpRuns\":7,\"onnx\":{\"runtime\":\"onnxruntime-1.22.0\"}}"
                    .getBytes(StandardCharsets.UTF_8),
                MediaTypes.EVALUATION)
            .sha256();
    run(
        "insert into stage_output values ('evaluate1', 'evaluation', '%s', 9, 'evaluation')"
            .formatted(evaluation));
    for (var measured :
        Map.of(
                "top1_accuracy", 0.81,
                "base_top1_accuracy", 0.84,
                "latency_p50_ms", 1.2,
                "base_latency_p50_ms", 2.0,
                "base_onnx_latency_p50_ms", 1.4,
                "mask_max_abs_difference", Double.NaN)
            .entrySet()) {
      run(
          "insert into measurement values ('evaluate1', '%s', '%s')"
              .formatted(measured.getKey(), measured.getValue()));
      run(
          "insert into trial_measurement values ('%s-cell-s1', '%s', '%s')"
              .formatted(SWEEP, measured.getKey(), measured.getValue()));
    }
  }

  @Test
  void statusSaysWhatRunsWhatIsSharedAndWhenItEnds() throws Exception {
    SweepStatus status = new SweepReader(dataSource).status(SWEEP).orElseThrow();

    assertThat(status.trials()).isEqualTo(new SweepStatus.Trials(2, 0, 1, 1, 0, 0, 0, 0));
    assertThat(status.stages())
        .containsExactly(
            new SweepStatus.StageCount("SEARCH", 1, 0, 0, 1, 0, 1, 1),
            new SweepStatus.StageCount("PRUNE", 1, 0, 0, 1, 0, 1, 0),
            new SweepStatus.StageCount("FINETUNE", 2, 0, 1, 1, 0, 0, 0),
            new SweepStatus.StageCount("EVALUATE", 2, 1, 0, 1, 0, 0, 0));
    assertThat(status.etaSeconds())
        .as("a quarter of a finetune and an evaluation are left")
        .isCloseTo(0.25 * 20 + 6, within(1e-9));
    assertThat(status.best().top1Accuracy()).isEqualTo(0.81);
    assertThat(status.running()).hasSize(1);
    SweepStatus.RunningStage running = status.running().get(0);
    assertThat(running.trialId()).isEqualTo(SWEEP + "-cell-s2");
    assertThat(running.step()).isEqualTo(30);
    assertThat(running.top1Accuracy()).isEqualTo(0.66);
    assertThat(new SweepReader(dataSource).status("nope")).isEmpty();
  }

  @Test
  void anUnknownPaceGivesNoEta() throws Exception {
    run("update stage set wall_seconds = null where stage_id = 'evaluate1'");

    assertThat(new SweepReader(dataSource).status(SWEEP).orElseThrow().etaSeconds()).isNull();
  }

  @Test
  void resultsJoinStagesPlansAndCurves() throws Exception {
    SweepResults results = new ResultsReader(dataSource, store).results(SWEEP).orElseThrow();

    assertThat(results.sweep().model().name()).isEqualTo("vit");
    assertThat(results.base().measurements())
        .containsEntry("top1_accuracy", 0.84)
        .containsEntry("latency_p50_ms", 2.0)
        .containsEntry("onnx_latency_p50_ms", 1.4);
    assertThat(results.base().widths().embedding()).isEqualTo(96);
    TrialResult first = results.trials().get(0);
    assertThat(first.stages()).containsExactly("search", "prune", "finetune1", "evaluate1");
    assertThat(first.measurements())
        .containsEntry("top1_accuracy", 0.81)
        .as("JSON has no NaN")
        .doesNotContainKey("mask_max_abs_difference");
    assertThat(first.curve())
        .extracting(SweepResults.Epoch::top1Accuracy)
        .containsExactly(0.31, 0.78);
    assertThat(first.pruned().blocks()).hasSize(2);
    assertThat(first.redistributed()).isNull();
    CellResult cell = results.cells().get(0);
    assertThat(cell.trials()).isEqualTo(2);
    assertThat(cell.succeeded()).isEqualTo(1);
    assertThat(cell.measurements().get("top1_accuracy").count()).isEqualTo(1);
    assertThat(results.sharing().asked()).isEqualTo(8);
    assertThat(results.sharing().distinct()).isEqualTo(6);
    assertThat(results.sharing().reused()).isEqualTo(1);
    assertThat(results.sharing().spentSeconds()).isEqualTo(27);
    assertThat(results.sharing().savedSeconds()).isEqualTo(2 * 8.0 + 1.0);
    assertThat(results.conditions().batchSize()).isEqualTo(64);
    assertThat(results.conditions().device()).isEqualTo("A fast CPU");
    assertThat(results.conditions().warmUpRuns()).isEqualTo(7);
    assertThat(results.conditions().onnxRuntimeVersion()).isEqualTo("ONNX Runtime 1.22.0");
    assertThat(results.conditions().precision()).isEqualTo("fp32");
    assertThat(HtmlReport.write(results)).contains("81.0");
  }

  /** As where a second method follows the first: two cuts, each with its recovery. */
  @Test
  void tellsTheRecoveriesOfACombinationApart() throws Exception {
    String trial = SWEEP + "-cell-s1";
    stage("prune-b", StageKind.STAGE_KIND_PRUNE, "SUCCEEDED", 1.0);
    stage("finetune-b", StageKind.STAGE_KIND_FINETUNE, "SUCCEEDED", 9.0);
    run(
        "update trial_stage set position = 5 where position = 3 and trial_id = '%s'"
            .formatted(trial));
    run(
        "insert into trial_stage (trial_id, position, stage_id) values ('%1$s', 3, 'prune-b'),"
                .formatted(trial)
            + " ('%s', 4, 'finetune-b')".formatted(trial));
    run(
        """
        insert into epoch_evaluated values ('finetune-b', 1, 0, 0, 0.55, 0.8, 1.0, 'NaN', now()),
          ('finetune-b', 1, 1, 96, 0.8, 0.9, 0.7, 0.9, now())\
        """);

    TrialResult both =
        new ResultsReader(dataSource, store).results(SWEEP).orElseThrow().trials().get(0);

    assertThat(both.recoveries())
        .extracting(SweepResults.Recovery::stageId)
        .containsExactly("finetune1", "finetune-b");
    assertThat(both.recoveries().get(0).curve())
        .extracting(SweepResults.Epoch::top1Accuracy)
        .containsExactly(0.31, 0.78);
    assertThat(both.curve()).isEqualTo(both.recoveries().get(1).curve());
    assertThat(
            row(
                "select string_agg(step || ':' || top1_accuracy, ' ' order by step) from dash.epoch"
                    + " where trial_id = '%s'".formatted(trial)))
        .as("end to end on the boards")
        .isEqualTo("0:0.31 96:0.78 97:0.55 193:0.8");
  }

  /** The second method's plan has as its base what the first one left. */
  @Test
  void takesABaseFromWhatWasRegisteredOrFirstCut() throws Exception {
    String trial = SWEEP + "-cell-s1";
    stage("redistribute", StageKind.STAGE_KIND_REDISTRIBUTE, "SUCCEEDED", 1.0);
    stage("prune-b", StageKind.STAGE_KIND_PRUNE, "SUCCEEDED", 1.0);
    run(
        "insert into trial_stage (trial_id, position, stage_id) values ('%1$s', 8, 'redistribute'),"
                .formatted(trial)
            + " ('%s', 9, 'prune-b')".formatted(trial));
    plan("redistribute", 88);
    for (int embedding = 16; embedding <= 80; embedding += 16) { // of any digest
      run("delete from stage_output where stage_id = 'prune-b'");
      plan("prune-b", embedding);

      SweepResults results = new ResultsReader(dataSource, store).results(SWEEP).orElseThrow();

      assertThat(results.base().widths().embedding()).isEqualTo(96);
      assertThat(results.trials().get(0).pruned().embedding()).isEqualTo(embedding);
      assertThat(results.trials().get(0).redistributed()).as("of the method before").isNull();
    }
    run(
        "insert into model (name, sha256, size_bytes, architecture) values ('vit', 'aa', 1, '%s')"
            .formatted(VitArchitecture.uniform(28, 4, 1, 10, 112, 2, 4, 384).toJson()));
    assertThat(new ResultsReader(dataSource, store).results(SWEEP).orElseThrow().base().widths())
        .extracting(SweepResults.Widths::embedding)
        .isEqualTo(112);
  }

  private void plan(String stage, int embedding) throws Exception {
    VitArchitecture vit = VitArchitecture.uniform(28, 4, 1, 10, embedding, 2, 4, 384);
    String plan =
        store
            .put(
                PruningPlan.identity(vit).toJson().getBytes(StandardCharsets.UTF_8),
                MediaTypes.PLAN)
            .sha256();
    run("insert into stage_output values ('%s', 'plan', '%s', 9, 'plan')".formatted(stage, plan));
  }

  @Test
  void aTrialIsItsPartOfTheResults() throws Exception {
    ResultsReader reader = new ResultsReader(dataSource, store);
    SweepResults whole = reader.results(SWEEP).orElseThrow();
    TrialResult second = whole.trials().get(1);

    SweepResults part = reader.trial(second.trialId()).orElseThrow();

    assertThat(part.sweep()).isEqualTo(whole.sweep());
    assertThat(part.trials()).containsExactly(second);
    assertThat(part.cells()).extracting(CellResult::trials).containsExactly(1);
    assertThat(part.stages())
        .extracting(SweepResults.StageResult::stageId)
        .containsExactlyElementsOf(second.stages());
    assertThat(reader.trial("nope")).isEmpty();
  }

  @Test
  void aLostPlanLeavesAHoleNotAnError() throws Exception {
    run("update stage_output set sha256 = '%s'".formatted("f".repeat(64)));

    SweepResults results = new ResultsReader(dataSource, store).results(SWEEP).orElseThrow();

    assertThat(results.trials().get(0).pruned()).isNull();
  }

  @Test
  void platformStatusCountsWhatWaits() throws Exception {
    PlatformStatus status = PlatformStatus.read(dataSource);

    assertThat(status.queue()).containsEntry("RUNNING", 1L).containsEntry("WAITING", 1L);
    assertThat(status.sweeps()).containsEntry("RUNNING", 1L);
  }

  @Test
  void workersSayWhatASweepCanAskFor() throws Exception {
    run(
        """
        insert into worker (worker_id, partition, service, state, slots, device_kind, device, host,
          engine_version, software_version, labels, joined_at, heartbeat_at)
        values ('evaluator-1', 0, 'evaluator', 'ACTIVE', 1, 'cpu', 'A fast CPU', 'h1', '', '',
            '{"device":"A fast CPU","host":"h1","room":"cellar"}', now(), now()),
          ('evaluator-0', 0, 'evaluator', 'LEFT', 1, 'cpu', '', '', '', '', '{}', now(), now())\
        """);
    run("insert into worker_capability values ('evaluator-1', 'EVALUATE', 'evaluate', 2)");

    assertThat(WorkerView.read(dataSource))
        .containsExactly(
            new WorkerView(
                "evaluator-1",
                "evaluator",
                "h1",
                "cpu",
                1,
                Map.of("device", "A fast CPU", "host", "h1", "room", "cellar"),
                List.of(new WorkerView.Ability("EVALUATE", "evaluate", 2))));
  }

  @Test
  void theViewsOfTheBoardsSayWhatStatusAndReportSay() throws Exception {
    SweepStatus status = new SweepReader(dataSource).status(SWEEP).orElseThrow();
    assertThat(row("select eta_seconds from dash.sweep_eta"))
        .isEqualTo("" + status.etaSeconds().intValue());
    assertThat(row("select trials, planned, running, succeeded, failed, progress from dash.sweep"))
        .isEqualTo("2 0 1 1 0 0.5");
    assertThat(
            row(
                """
                select string_agg(concat_ws(' ', kind, total, waiting, running, done, failed, shared,
                  reused), ', ' order by place) from dash.sweep_stages\
                """))
        .isEqualTo(
            status.stages().stream()
                .map(
                    s ->
                        "%s %d %d %d %d %d %d %d"
                            .formatted(
                                s.kind(),
                                s.total(),
                                s.waiting(),
                                s.running(),
                                s.done(),
                                s.failed(),
                                s.shared(),
                                s.reused()))
                .collect(java.util.stream.Collectors.joining(", ")));
    SweepResults.Sharing sharing =
        new ResultsReader(dataSource, store).results(SWEEP).orElseThrow().sharing();
    assertThat(
            row(
                "select asked, different, reused, spent_seconds, saved_seconds"
                    + " from dash.sweep_sharing"))
        .isEqualTo(
            "%d %d %d %.0f %.0f"
                .formatted(
                    sharing.asked(),
                    sharing.distinct(),
                    sharing.reused(),
                    sharing.spentSeconds(),
                    sharing.savedSeconds()));
    assertThat(row("select max(top1_accuracy), max(base_latency_p50_ms) from dash.trial"))
        .isEqualTo("0.81 2");
    assertThat(
            row(
                """
                select string_agg(policy || ' ' || top1_mean || ' ' || on_latency_front, ', '
                  order by latency_p50_ms) from dash.cell\
                """))
        .isEqualTo("magnitude 0.81 true, unpruned 0.84 true");
  }

  @Test
  void theBoardsRoleReadsTheViewsAndNothingElse() throws Exception {
    try (var connection = dataSource.getConnection();
        var statement = connection.createStatement()) {
      statement.execute("set role espalier_dash");
      try (var rows = statement.executeQuery("select count(*) from dash.trial_stage")) {
        rows.next();
        assertThat(rows.getInt(1)).isEqualTo(8);
      }
      statement.executeQuery("select * from dash.curve_points('t', 'train_loss', 10)").close();
      assertRefused(statement, "select count(*) from public.sweep");
      assertRefused(statement, "delete from dash.sweep_name");
      assertRefused(statement, "select dash.admit_reader()");
    }
    assertThat(
            row(
                "select array_to_string(rolconfig, ',') from pg_roles where rolname ="
                    + " 'espalier_dash'"))
        .isEqualTo("statement_timeout=15s,default_transaction_read_only=on");
  }

  private static void assertRefused(java.sql.Statement statement, String sql) {
    org.assertj.core.api.Assertions.assertThatThrownBy(() -> statement.execute(sql))
        .hasMessageContaining("permission denied");
  }

  /** The columns of the first row, apart by spaces; numbers in their shortest form. */
  private String row(String sql) throws SQLException {
    try (var connection = dataSource.getConnection();
        var statement = connection.createStatement();
        var rows = statement.executeQuery(sql)) {
      rows.next();
      java.util.List<String> columns = new java.util.ArrayList<>();
      for (int i = 1; i <= rows.getMetaData().getColumnCount(); i++) {
        columns.add(rows.getString(i));
      }
      return String.join(" ", columns);
    }
  }

  private void stage(String id, StageKind kind, String state, Double seconds) throws SQLException {
    StageSpec spec =
        StageSpec.newBuilder()
            .setKind(kind)
            .setAlgorithm("x")
            .setAlgorithmVersion(1)
            .setParameters(SweepProto.struct(Map.of("batchSize", 64, "runs", 30)))
            .setNumerics(Numerics.newBuilder().setPrecision("fp32").setThreads(1))
            .build();
    try (var connection = dataSource.getConnection();
        var statement =
            connection.prepareStatement(
                """
                insert into stage (stage_id, kind, algorithm, algorithm_version, device_kind, seed,
                  team, spec, state, generation, requested_at, wall_seconds, ended_at)
                values (?, ?, 'x', 1, 'cpu', 1, 'vision', ?, ?, 1, now(), ?, now())\
                """)) {
      statement.setString(1, id);
      statement.setString(2, kind.name().substring("STAGE_KIND_".length()));
      statement.setBytes(3, spec.toByteArray());
      statement.setString(4, state);
      statement.setObject(5, seconds);
      statement.executeUpdate();
    }
  }

  private void run(String sql) throws SQLException {
    try (var connection = dataSource.getConnection();
        var statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
