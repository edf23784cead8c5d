package dev.espalier.scheduler.api;

import static dev.espalier.scheduler.api.Sql.first;
import static dev.espalier.scheduler.api.Sql.instant;
import static dev.espalier.scheduler.api.Sql.list;
import static dev.espalier.scheduler.api.Sql.number;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toList;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Value;
import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.artifacts.store.ArtifactException;
import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.scheduler.report.Statistic;
import dev.espalier.scheduler.report.SweepResults;
import dev.espalier.scheduler.report.SweepResults.Artifact;
import dev.espalier.scheduler.report.SweepResults.Base;
import dev.espalier.scheduler.report.SweepResults.BlockWidths;
import dev.espalier.scheduler.report.SweepResults.CellResult;
import dev.espalier.scheduler.report.SweepResults.Conditions;
import dev.espalier.scheduler.report.SweepResults.Epoch;
import dev.espalier.scheduler.report.SweepResults.Failure;
import dev.espalier.scheduler.report.SweepResults.Header;
import dev.espalier.scheduler.report.SweepResults.Recovery;
import dev.espalier.scheduler.report.SweepResults.Ruling;
import dev.espalier.scheduler.report.SweepResults.Sharing;
import dev.espalier.scheduler.report.SweepResults.Source;
import dev.espalier.scheduler.report.SweepResults.StageResult;
import dev.espalier.scheduler.report.SweepResults.TrialResult;
import dev.espalier.scheduler.report.SweepResults.Widths;
import dev.espalier.schemas.stage.v1.Numerics;
import dev.espalier.schemas.stage.v1.OutsideInput;
import dev.espalier.schemas.stage.v1.StageSpec;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import javax.sql.DataSource;
import org.jboss.logging.Logger;

/** Puts together the results document of a sweep from projections and plan artifacts. */
public final class ResultsReader {

  private static final Logger LOG = Logger.getLogger(ResultsReader.class);

  /** Plans and evaluations are some kilobytes; what is longer is neither. */
  private static final long MAX_JSON = 32 << 20;

  private static final String SWEEP =
      """
      select sweep_id, name, team, state, cancel_reason, run, canonical_spec_json, model_sha256,
        dataset_sha256, accepted_at, ended_at
      from sweep where sweep_id = ?\
      """;

  private static final String SWEEP_OF_TRIAL = "select sweep_id from trial where trial_id = ?";

  private static final String BASE = "select architecture from model where sha256 = ? limit 1";

  private static final String TRIALS =
      """
      select trial_id, cell_id, method, redistribution, target_kind, keep_ratio, seed, state,
        failure_category, failure_code, failure_message, rung, stop_rule, stop_epoch, stop_reason
      from trial where sweep_id = ?
      order by method, target_kind, keep_ratio desc, redistribution <> 'none', redistribution, seed\
      """;

  private static final String TRIAL_STAGES =
      """
      select ts.trial_id, ts.stage_id from trial t join trial_stage ts using (trial_id)
      where t.sweep_id = ? order by ts.trial_id, ts.position\
      """;

  private static final String STAGES =
      """
      select g.stage_id, g.kind, g.algorithm, g.algorithm_version, g.seed, g.state, g.spec,
        g.generation, g.wall_seconds, g.device, g.host, g.started_at, g.ended_at,
        coalesce((select bool_and(c.reused) from stage_claim c
          where c.stage_id = g.stage_id and c.sweep_id = ?), false) as reused
      from stage g
      where g.stage_id in (
        select ts.stage_id from trial t join trial_stage ts using (trial_id) where t.sweep_id = ?)
      order by array_position(
          array['PRETRAIN','SEARCH','PRUNE','REDISTRIBUTE','FINETUNE','EVALUATE'], g.kind),
        g.algorithm, g.started_at nulls last, g.stage_id\
      """;

  private static final String OF_STAGES =
      """
      where x.stage_id in (
        select ts.stage_id from trial t join trial_stage ts using (trial_id) where t.sweep_id = ?)\
      """;

  private static final String MEASUREMENTS =
      "select x.stage_id, x.name, x.value from measurement x " + OF_STAGES;
  private static final String OUTPUTS =
      "select x.stage_id, x.name, x.sha256, x.size_bytes from stage_output x " + OF_STAGES;
  private static final String EPOCHS =
      "select x.stage_id, x.epoch, x.step, x.top1, x.val_loss, x.train_loss from epoch_evaluated x "
          + OF_STAGES
          + " order by x.epoch";

  private final DataSource dataSource;
  private final ArtifactStore store;

  public ResultsReader(DataSource dataSource, ArtifactStore store) {
    this.dataSource = dataSource;
    this.store = store;
  }

  /** The document as of now; empty for an unknown sweep. */
  public Optional<SweepResults> results(String sweepId) throws SQLException {
    Facts facts;
    try (Connection connection = dataSource.getConnection()) {
      Optional<Sweep> sweep = first(connection, SWEEP, ResultsReader::sweep, sweepId);
      if (sweep.isEmpty()) {
        return Optional.empty();
      }
      facts = Facts.load(connection, sweep.get());
    }
    return Optional.of(new Assembly(facts, store).results());
  }

  /**
   * The document narrowed to one trial, its cell and the stages it walks; empty for an unknown
   * trial.
   */
  public Optional<SweepResults> trial(String trialId) throws SQLException {
    Facts facts;
    try (Connection connection = dataSource.getConnection()) {
      Optional<String> sweepId =
          first(connection, SWEEP_OF_TRIAL, row -> row.getString(1), trialId);
      if (sweepId.isEmpty()) {
        return Optional.empty();
      }
      Sweep sweep = first(connection, SWEEP, ResultsReader::sweep, sweepId.get()).orElseThrow();
      facts = Facts.load(connection, sweep).only(trialId);
    }
    return Optional.of(new Assembly(facts, store).results());
  }

  private record Sweep(
      String id,
      String name,
      String team,
      String state,
      String reason,
      int run,
      String specJson,
      String modelSha256,
      String datasetSha256,
      java.time.Instant acceptedAt,
      java.time.Instant endedAt) {}

  private record Trial(
      String id,
      String cellId,
      String method,
      String redistribution,
      String targetKind,
      double keepRatio,
      long seed,
      String state,
      Failure failure,
      Ruling ruling) {}

  private record Stage(
      String id,
      String kind,
      String algorithm,
      int version,
      long seed,
      String state,
      StageSpec spec,
      long generation,
      Double wallSeconds,
      String device,
      String host,
      Instant startedAt,
      Instant endedAt,
      boolean reused) {}

  private static Sweep sweep(ResultSet row) throws SQLException {
    return new Sweep(
        row.getString("sweep_id"),
        row.getString("name"),
        row.getString("team"),
        row.getString("state"),
        row.getString("cancel_reason"),
        row.getInt("run"),
        row.getString("canonical_spec_json"),
        row.getString("model_sha256"),
        row.getString("dataset_sha256"),
        instant(row, "accepted_at"),
        instant(row, "ended_at"));
  }

  private static Trial trial(ResultSet row) throws SQLException {
    String code = row.getString("failure_code");
    return new Trial(
        row.getString("trial_id"),
        row.getString("cell_id"),
        row.getString("method"),
        row.getString("redistribution"),
        row.getString("target_kind"),
        row.getDouble("keep_ratio"),
        row.getLong("seed"),
        row.getString("state"),
        code == null
            ? null
            : new Failure(
                row.getString("failure_category"), code, row.getString("failure_message")),
        ruling(row));
  }

  private static Ruling ruling(ResultSet row) throws SQLException {
    int rung = row.getInt("rung");
    String rule = row.getString("stop_rule");
    return rung == 0 && rule == null
        ? null
        : new Ruling(
            rung, rule, (Integer) row.getObject("stop_epoch"), row.getString("stop_reason"));
  }

  private static Stage stage(ResultSet row) throws SQLException {
    StageSpec spec;
    try {
      spec = StageSpec.parseFrom(row.getBytes("spec"));
    } catch (InvalidProtocolBufferException e) {
      throw new SQLException("specification of stage " + row.getString("stage_id"), e);
    }
    return new Stage(
        row.getString("stage_id"),
        row.getString("kind"),
        row.getString("algorithm"),
        row.getInt("algorithm_version"),
        row.getLong("seed"),
        row.getString("state"),
        spec,
        row.getLong("generation"),
        number(row, "wall_seconds"),
        row.getString("device"),
        row.getString("host"),
        instant(row, "started_at"),
        instant(row, "ended_at"),
        row.getBoolean("reused"));
  }

  /** All rows of one sweep, read on one connection. */
  private record Facts(
      Sweep sweep,
      List<Trial> trials,
      Map<String, List<String>> walks,
      Map<String, Stage> stages,
      Map<String, Map<String, Double>> measurements,
      Map<String, Map<String, Artifact>> outputs,
      Map<String, List<Epoch>> epochs,
      Optional<VitArchitecture> base) {

    static Facts load(Connection connection, Sweep sweep) throws SQLException {
      Map<String, List<String>> walks = new HashMap<>();
      list(
          connection,
          TRIAL_STAGES,
          row ->
              walks.computeIfAbsent(row.getString(1), t -> new ArrayList<>()).add(row.getString(2)),
          sweep.id);
      Map<String, Stage> stages = new LinkedHashMap<>();
      list(connection, STAGES, ResultsReader::stage, sweep.id, sweep.id)
          .forEach(stage -> stages.put(stage.id, stage));
      Map<String, Map<String, Double>> measurements = new HashMap<>();
      list(
          connection,
          MEASUREMENTS,
          row -> {
            Double value = number(row, "value");
            return value == null
                ? null
                : measurements
                    .computeIfAbsent(row.getString(1), s -> new TreeMap<>())
                    .put(row.getString(2), value);
          },
          sweep.id);
      Map<String, Map<String, Artifact>> outputs = new HashMap<>();
      list(
          connection,
          OUTPUTS,
          row ->
              outputs
                  .computeIfAbsent(row.getString(1), s -> new TreeMap<>())
                  .put(row.getString(2), new Artifact(row.getString(3), row.getLong(4))),
          sweep.id);
      Map<String, List<Epoch>> epochs = new HashMap<>();
      list(
          connection,
          EPOCHS,
          row -> {
            Double top1 = number(row, "top1");
            return top1 != null
                && epochs
                    .computeIfAbsent(row.getString(1), s -> new ArrayList<>())
                    .add(
                        new Epoch(
                            row.getInt("epoch"),
                            row.getLong("step"),
                            top1,
                            number(row, "val_loss"),
                            number(row, "train_loss")));
          },
          sweep.id);
      List<Trial> trials = list(connection, TRIALS, ResultsReader::trial, sweep.id);
      Optional<VitArchitecture> base =
          first(
              connection,
              BASE,
              row -> VitArchitecture.fromJson(row.getString(1)),
              sweep.modelSha256);
      return new Facts(sweep, trials, walks, stages, measurements, outputs, epochs, base);
    }

    Facts only(String trialId) {
      List<String> walk = walks.getOrDefault(trialId, List.of());
      Map<String, Stage> walked = new LinkedHashMap<>(stages);
      walked.keySet().retainAll(walk);
      return new Facts(
          sweep,
          trials.stream().filter(trial -> trial.id.equals(trialId)).toList(),
          Map.of(trialId, walk),
          walked,
          measurements,
          outputs,
          epochs,
          base);
    }

    List<Stage> walk(Trial trial) {
      return walks.getOrDefault(trial.id, List.of()).stream()
          .map(stages::get)
          .filter(Objects::nonNull)
          .toList();
    }
  }

  private static final class Assembly {

    private final Facts facts;
    private final ArtifactStore store;
    private final Map<String, Optional<PruningPlan>> plans = new HashMap<>();

    Assembly(Facts facts, ArtifactStore store) {
      this.facts = facts;
      this.store = store;
    }

    SweepResults results() {
      List<TrialResult> trials = facts.trials.stream().map(this::trial).toList();
      List<StageResult> stages = stages();
      return new SweepResults(
              header(), base(trials), cells(trials), trials, stages, sharing(), conditions(trials))
          .with(KeptPatchesReader.read(trials, this::evaluation));
    }

    private Header header() {
      Sweep sweep = facts.sweep;
      Map<String, Object> spec = spec(sweep.specJson);
      return new Header(
          sweep.id,
          sweep.name,
          sweep.team,
          sweep.state,
          sweep.reason,
          sweep.run,
          new Source(
              String.valueOf(spec.getOrDefault("model", outside("base"))), sweep.modelSha256),
          new Source(
              String.valueOf(spec.getOrDefault("dataset", outside("dataset"))),
              sweep.datasetSha256),
          sweep.acceptedAt,
          sweep.endedAt,
          spec);
    }

    private static Map<String, Object> spec(String json) {
      Map<String, Object> spec = new LinkedHashMap<>();
      if (Json.parse(json) instanceof Map<?, ?> tree) {
        tree.forEach((key, value) -> spec.put(String.valueOf(key), value));
      }
      return spec;
    }

    private String outside(String role) {
      return facts.stages.values().stream()
          .flatMap(stage -> stage.spec.getOutsideInputsList().stream())
          .filter(input -> input.getRole().equals(role))
          .map(OutsideInput::getName)
          .findFirst()
          .orElse("?");
    }

    private TrialResult trial(Trial trial) {
      Map<String, Double> measurements = new TreeMap<>();
      Map<String, Artifact> outputs = new TreeMap<>();
      List<Epoch> curve = List.of();
      List<Recovery> recoveries = new ArrayList<>();
      Stage cut = null;
      Widths pruned = null;
      Widths redistributed = null;
      for (Stage stage : facts.walk(trial)) {
        Map<String, Artifact> made = facts.outputs.getOrDefault(stage.id, Map.of());
        made.forEach((name, file) -> outputs.put(stage.kind.toLowerCase() + "/" + name, file));
        Map<String, Double> measured = facts.measurements.getOrDefault(stage.id, Map.of());
        switch (stage.kind) {
          case "PRUNE" -> {
            cut = stage;
            pruned = widths(made.get("plan"));
            redistributed = null; // that of the method before
            measurements.putAll(measured);
          }
          case "REDISTRIBUTE" -> {
            redistributed = widths(made.get("plan"));
            measurements.putAll(measured);
          }
          case "FINETUNE" -> {
            curve = facts.epochs.getOrDefault(stage.id, List.of());
            recoveries.add(recovery(trial, cut, stage, curve));
            measurements.putAll(measured);
          }
          case "EVALUATE" -> measurements.putAll(measured);
          default -> {
            // A search measures its own progress, not the trial's model.
          }
        }
      }
      return new TrialResult(
          trial.id,
          trial.cellId,
          trial.method,
          trial.redistribution,
          trial.targetKind,
          trial.keepRatio,
          trial.seed,
          trial.state,
          facts.walks.getOrDefault(trial.id, List.of()),
          measurements,
          curve,
          recoveries,
          pruned,
          redistributed,
          outputs,
          trial.failure,
          trial.ruling);
    }

    /** The finetune behind a cut, which in a combination is not the trial's only one. */
    private static Recovery recovery(Trial trial, Stage cut, Stage finetune, List<Epoch> curve) {
      Value ratio = cut == null ? null : cut.spec.getParameters().getFieldsMap().get("keepRatio");
      return new Recovery(
          finetune.id,
          cut == null ? trial.method : cut.algorithm,
          ratio == null ? trial.keepRatio : ratio.getNumberValue(),
          curve);
    }

    /** Null where the plan is not there or cannot be read: a report shows what there is. */
    private Widths widths(Artifact artifact) {
      return artifact == null
          ? null
          : plan(artifact).map(plan -> widths(plan.cutArchitecture())).orElse(null);
    }

    private Optional<PruningPlan> plan(Artifact artifact) {
      return plans.computeIfAbsent(
          artifact.sha256(),
          sha256 -> {
            try {
              return Optional.of(PruningPlan.fromJson(text(artifact)));
            } catch (ArtifactException | IllegalArgumentException e) {
              LOG.warnf("plan %s is not readable: %s", sha256, e.getMessage());
              return Optional.empty();
            }
          });
    }

    private static Widths widths(VitArchitecture vit) {
      return new Widths(
          vit.embedding(),
          vit.blocks().stream()
              .map(b -> new BlockWidths(b.heads(), b.qkWidth(), b.vWidth(), b.mlpHidden()))
              .toList());
    }

    private Base base(List<TrialResult> trials) {
      Map<String, String> names = new LinkedHashMap<>();
      names.put("base_params", "params");
      names.put("base_macs", "macs");
      names.put("base_top1_accuracy", "top1_accuracy");
      names.put("base_latency_p50_ms", "latency_p50_ms");
      names.put("base_throughput_images_per_s", "throughput_images_per_s");
      names.put("base_onnx_latency_p50_ms", "onnx_latency_p50_ms");
      names.put("base_onnx_throughput_images_per_s", "onnx_throughput_images_per_s");
      Map<String, Double> measurements = new TreeMap<>();
      names.forEach(
          (from, to) -> {
            List<Double> values =
                trials.stream()
                    .map(t -> t.measurements().get(from))
                    .filter(Objects::nonNull)
                    .sorted()
                    .toList();
            if (!values.isEmpty()) {
              int middle = values.size() / 2;
              measurements.put(
                  to,
                  values.size() % 2 == 1
                      ? values.get(middle)
                      : (values.get(middle - 1) + values.get(middle)) / 2);
            }
          });
      Widths widths = facts.base.or(this::cutFirst).map(Assembly::widths).orElse(null);
      return new Base(widths, measurements);
    }

    /** What a trial's first method cut; its second one cut what the first had left. */
    private Optional<VitArchitecture> cutFirst() {
      return facts.trials.stream()
          .flatMap(
              trial ->
                  facts.walk(trial).stream().filter(stage -> stage.kind.equals("PRUNE")).limit(1))
          .map(stage -> facts.outputs.getOrDefault(stage.id, Map.of()).get("plan"))
          .filter(Objects::nonNull)
          .flatMap(artifact -> plan(artifact).stream())
          .findFirst()
          .map(PruningPlan::base);
    }

    private List<CellResult> cells(List<TrialResult> trials) {
      List<CellResult> cells = new ArrayList<>();
      trials.stream()
          .collect(groupingBy(TrialResult::cellId, LinkedHashMap::new, toList()))
          .forEach(
              (cellId, members) -> {
                Map<String, List<Double>> values = new TreeMap<>();
                List<TrialResult> succeeded =
                    members.stream().filter(t -> t.state().equals("SUCCEEDED")).toList();
                succeeded.forEach(
                    trial ->
                        trial
                            .measurements()
                            .forEach(
                                (name, value) ->
                                    values
                                        .computeIfAbsent(name, n -> new ArrayList<>())
                                        .add(value)));
                Map<String, Statistic> statistics = new TreeMap<>();
                values.forEach((name, list) -> statistics.put(name, Statistic.of(list)));
                TrialResult one = members.get(0);
                cells.add(
                    new CellResult(
                        cellId,
                        one.method(),
                        one.redistribution(),
                        one.targetKind(),
                        one.keepRatio(),
                        members.size(),
                        succeeded.size(),
                        statistics));
              });
      return cells;
    }

    private List<StageResult> stages() {
      Map<String, Integer> claimants = claimants();
      return facts.stages.values().stream()
          .map(
              stage ->
                  new StageResult(
                      stage.id,
                      stage.kind,
                      stage.algorithm,
                      stage.version,
                      stage.seed,
                      stage.state,
                      claimants.getOrDefault(stage.id, 0),
                      stage.reused,
                      (int) stage.generation,
                      stage.wallSeconds,
                      stage.device,
                      stage.startedAt,
                      stage.endedAt,
                      facts.measurements.getOrDefault(stage.id, Map.of())))
          .toList();
    }

    private Map<String, Integer> claimants() {
      Map<String, Integer> claimants = new HashMap<>();
      facts.walks.values().forEach(walk -> walk.forEach(s -> claimants.merge(s, 1, Integer::sum)));
      return claimants;
    }

    private Sharing sharing() {
      Map<String, Integer> claimants = claimants();
      double spent = 0;
      double saved = 0;
      int reused = 0;
      for (Stage stage : facts.stages.values()) {
        double seconds = stage.wallSeconds == null ? 0 : stage.wallSeconds;
        int runs = stage.reused ? 0 : 1;
        reused += stage.reused ? 1 : 0;
        spent += runs * seconds;
        saved += (claimants.getOrDefault(stage.id, 1) - runs) * seconds;
      }
      int asked = claimants.values().stream().mapToInt(Integer::intValue).sum();
      return new Sharing(asked, facts.stages.size(), reused, spent, saved);
    }

    private Conditions conditions(List<TrialResult> trials) {
      List<Stage> evaluations =
          facts.stages.values().stream()
              .filter(s -> s.kind.equals("EVALUATE") && !s.algorithm.equals("latency-table"))
              .sorted(
                  java.util.Comparator.comparing((Stage s) -> !s.algorithm.equals("evaluate"))
                      .thenComparing(s -> !s.state.equals("SUCCEEDED")))
              .toList();
      if (evaluations.isEmpty()) {
        return new Conditions(null, null, null, null, null, null, null, null, null, null);
      }
      Stage stage = evaluations.get(0);
      Numerics numerics = stage.spec.getNumerics();
      Artifact figures = facts.outputs.getOrDefault(stage.id, Map.of()).get("evaluation");
      Map<?, ?> record = figures == null ? Map.of() : evaluation(figures);
      Double images =
          trials.stream()
              .map(t -> t.measurements().get("test_images"))
              .filter(Objects::nonNull)
              .findFirst()
              .orElse(null);
      String device = distinct(evaluations.stream().map(Stage::device).toList());
      return new Conditions(
          record.get("deviceName") instanceof String name ? name : device,
          distinct(evaluations.stream().map(Stage::host).toList()),
          numerics.getPrecision().isEmpty() ? null : numerics.getPrecision(),
          numerics.getThreads() == 0 ? null : numerics.getThreads(),
          numerics.getEngineVersion().isEmpty() ? null : "PyTorch " + numerics.getEngineVersion(),
          parameter(stage, "batchSize"),
          parameter(stage, "runs"),
          record.get("warmUpRuns") instanceof Number runs ? (Integer) runs.intValue() : null,
          images == null ? null : images.intValue(),
          onnxRuntime(record));
    }

    private static String onnxRuntime(Map<?, ?> record) {
      return record.get("onnx") instanceof Map<?, ?> onnx
              && onnx.get("runtime") instanceof String runtime
          ? runtime.replace("onnxruntime-", "ONNX Runtime ")
          : null;
    }

    /** What the evaluator wrote down beside its figures; empty where it cannot be read. */
    private Map<?, ?> evaluation(Artifact artifact) {
      try {
        return Json.parse(text(artifact)) instanceof Map<?, ?> record ? record : Map.of();
      } catch (ArtifactException | IllegalArgumentException e) {
        LOG.warnf("evaluation %s is not readable: %s", artifact.sha256(), e.getMessage());
        return Map.of();
      }
    }

    private String text(Artifact artifact) {
      if (store.size(artifact.sha256()) > MAX_JSON) {
        throw new IllegalArgumentException("longer than " + MAX_JSON + " bytes");
      }
      return new String(store.read(artifact.sha256()), StandardCharsets.UTF_8);
    }

    private static String distinct(List<String> values) {
      List<String> different = values.stream().filter(Objects::nonNull).distinct().toList();
      return different.isEmpty() ? null : String.join(", ", different);
    }

    private static Integer parameter(Stage stage, String name) {
      Value value = stage.spec.getParameters().getFieldsMap().get(name);
      return value != null && value.hasNumberValue() ? (int) value.getNumberValue() : null;
    }
  }
}
