package dev.espalier.evaluator.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.LatencyFile;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.artifacts.model.PlanFile;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageFailure;
import dev.espalier.messaging.worker.StageResult;
import dev.espalier.messaging.worker.StageStopped;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.EpochEvaluated;
import dev.espalier.schemas.stage.v1.FailureCategory;
import dev.espalier.schemas.stage.v1.StageSpec;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The stages of a trial as the workers run them, one after the other, on real files. */
class StageChainTest {

  @TempDir static Path directory;

  private static TinyTrial trial;

  @BeforeAll
  static void open() {
    trial = new TinyTrial(directory);
  }

  @ParameterizedTest
  @CsvSource({
    "magnitude, none, djl, 1",
    "magnitude, smooth, onnx, 8",
    "nvit-latency, none, djl, 8"
  })
  void walksATrialWithALatencyTarget(String method, String policy, String runtime, int batch)
      throws Exception {
    StageResult measured =
        trial.evaluator.execute(new RecordingContext(trial.latencyTable(runtime, batch), Map.of()));
    ArtifactRef table = measured.outputs().get("latency");
    LatencyTable read = LatencyFile.read(trial.read(table));
    assertThat(read.conditions().runtime()).isEqualTo(runtime);
    assertThat(read.conditions().batchSize()).isEqualTo(batch);
    assertThat(read.milliseconds(read.base())).isPositive();

    Map<String, ArtifactRef> plans = trial.timedPlans(method, policy, table);
    PruningPlan plan = PlanFile.read(trial.read(plans.get("plan")));
    double reached = read.keepRatio(plan.cutArchitecture(), read.base());
    assertThat(reached).isBetween(0.0, 1.0); // how near is LatencyTargetTest's, without a clock
    StageResult trained =
        trial.trainer.execute(new RecordingContext(trial.finetune(Map.of()), plans));
    Map<String, ArtifactRef> reads = new LinkedHashMap<>(plans);
    reads.put("latency", table);
    Map<String, Double> evaluated = evaluate(reads, trained).measurements();
    assertThat(evaluated.get("predicted_latency_keep_ratio")).isEqualTo(reached);
    String speedup =
        (runtime.equals("onnx") ? "onnx_" : "")
            + (batch == 1 ? "speedup_batch1" : "speedup_throughput");
    assertThat(evaluated.get("latency_keep_ratio")).isEqualTo(1 / evaluated.get(speedup));
  }

  @ParameterizedTest
  @CsvSource({
    "magnitude, none, 0.6",
    "random, none, 0.6",
    "magnitude, smooth, 0.6",
    "magnitude, nvit-trend, 0.6",
    "nvit, none, 0.6",
    "nvit, smooth, 0.6",
    "vtp, none, 0.6",
    "vit-slim, none, 0.6",
    "wdpruning, none, 0.6",
    "spvit, none, 0.6",
    "spvit, none, 0.5",
    "dynamicvit, none, 0.85",
    "depth-last, none, 0.55",
    "depth-even, none, 0.55",
    "small-from-scratch, none, 0.6",
    "base-extra-epochs, none, 1.0",
  })
  void walksATrialFromSearchToEvaluation(String method, String policy, double keepRatio)
      throws Exception {
    Map<String, ArtifactRef> plans = trial.plans(method, keepRatio, policy);
    RecordingContext finetune = new RecordingContext(trial.finetune(Map.of()), plans);

    StageResult trained = trial.trainer.execute(finetune);
    StageResult evaluated = evaluate(plans, trained);

    Map<String, Double> measured = evaluated.measurements();
    assertThat(finetune.epochs).extracting(EpochEvaluated::getEpoch).containsExactly(0, 1, 2, 3);
    assertThat(finetune.metrics)
        .containsKeys("train_loss", "learning_rate", "gradient_norm", "images_per_second");
    assertThat(finetune.metrics.get("train_loss")).hasSize(18);
    assertThat(measured.get("macs")).isEqualTo(measured.get("counted_macs"));
    assertThat(measured.get("macs") / measured.get("base_macs")).isCloseTo(keepRatio, within(0.1));
    assertThat(measured.get("mask_max_abs_difference")).isLessThan(1e-4);
    assertThat(measured.get("test_images")).isEqualTo(40);
    assertThat(measured.get("top1_accuracy")).isBetween(0.0, 1.0);
    assertThat(measured)
        .containsKeys(
            "top5_accuracy",
            "top1_before_recovery",
            "base_top1_accuracy",
            "params",
            "base_params",
            "model_bytes",
            "latency_p50_ms",
            "latency_p95_ms",
            "base_latency_p50_ms",
            "throughput_images_per_s",
            "base_throughput_images_per_s",
            "speedup_batch1",
            "speedup_throughput",
            "onnx_latency_p50_ms",
            "onnx_latency_p95_ms",
            "base_onnx_latency_p50_ms",
            "onnx_throughput_images_per_s",
            "base_onnx_throughput_images_per_s",
            "onnx_speedup_batch1",
            "onnx_speedup_throughput");
    assertThat(measured.get("onnx_max_abs_difference")).isBetween(0.0, 1e-4);
    byte[] record = trial.read(evaluated.outputs().get("evaluation"));
    assertThat(Json.parseObject(new String(record, StandardCharsets.UTF_8)).members())
        .containsKeys(
            "device",
            "deviceName",
            "threads",
            "precision",
            "runs",
            "warmUpRuns",
            "measurements",
            "timings",
            "onnx");
  }

  @ParameterizedTest
  @CsvSource({
    "magnitude, dynamicvit, 0.7, 0.6",
    "nvit, dynamicvit, 0.7, 0.6",
    "vtp, dynamicvit, 0.75, 0.65",
    "depth-last, magnitude, 0.55, 0.4",
  })
  void walksOneMethodBehindAnother(String first, String second, double between, double keepRatio)
      throws Exception {
    StageResult narrow = train(trial.plans(first, between, "none"), Map.of("epochs", 1));
    ArtifactRef start = narrow.outputs().get("model");

    Map<String, ArtifactRef> plans = trial.plans(second, keepRatio, "none", Map.of("start", start));
    StageResult trained = train(plans, Map.of("epochs", 1));
    Map<String, Double> measured = evaluate(plans, trained).measurements();

    // The keep ratio is one of the whole base; a patch or 4 hidden units are large steps here.
    assertThat(measured.get("macs") / measured.get("base_macs")).isCloseTo(keepRatio, within(0.04));
    assertThat(measured.get("macs")).isEqualTo(measured.get("counted_macs"));
    assertThat(measured.get("mask_max_abs_difference")).isLessThan(1e-4);
    Cost base = Cost.of(TinyTrial.weights(1).architecture());
    assertThat(measured.get("base_macs")).isEqualTo(base.macs());
  }

  @Test
  void takesEvaluationsThatWerePlannedBeforeOnnxRuntimeWasMeasured() {
    assertThat(EvaluatorStages.algorithms())
        .extracting(algorithm -> algorithm.name() + "@" + algorithm.version())
        .contains("evaluate@1", "evaluate@2", "accuracy@1");
  }

  @Test
  void measuresNoSpeedWhereOnlyAccuracyIsAskedFor() throws Exception {
    Map<String, ArtifactRef> plans = trial.plans("magnitude", 0.6, "none");
    StageResult trained = train(plans, Map.of("epochs", 1));

    Map<String, Double> timed = evaluate(plans, trained).measurements();
    trial.datasetsFound.clear();
    Map<String, Double> measured = evaluate(trial.accuracy(), plans, trained).measurements();
    assertThat(trial.datasetsFound).as("parsed by the stage before").containsExactly(true);

    assertThat(timed).containsAllEntriesOf(measured);
    assertThat(measured)
        .containsKeys("top1_accuracy", "top1_before_recovery", "counted_macs", "base_macs")
        .doesNotContainKeys("latency_p50_ms", "speedup_batch1", "onnx_speedup_batch1");
  }

  @Test
  void inheritsNothingFromTheBaseWhereItStartsFromScratch() throws Exception {
    StageResult search =
        trial.trainer.execute(
            new RecordingContext(trial.search("small-from-scratch", Map.of()), Map.of()));

    VitWeights drawn = ModelFile.read(trial.read(search.outputs().get("weights")));

    assertThat(drawn.architecture()).isEqualTo(TinyTrial.weights(1).architecture());
    TinyTrial.weights(1)
        .tensors()
        .forEach(
            (name, tensor) -> {
              if (tensor.shape().length > 1) {
                assertThat(drawn.tensor(name).values()).as(name).isNotEqualTo(tensor.values());
              }
            });
  }

  @Test
  void makesEqualFilesOfEqualStages() throws Exception {
    Map<String, ArtifactRef> plans = trial.plans("magnitude", 0.5, "none");

    assertThat(trial.plans("magnitude", 0.5, "none")).isEqualTo(plans);
    assertThat(train(plans, Map.of("epochs", 1)).outputs())
        .isEqualTo(train(plans, Map.of("epochs", 1)).outputs());
  }

  @Test
  void goesOnFromACheckpointToTheSameBits() throws Exception {
    Map<String, ArtifactRef> plans = trial.plans("magnitude", 0.5, "none");
    StageResult whole = train(plans, Map.of());
    // Stopped in the middle of the second epoch, then killed in the third after a checkpoint.
    RecordingContext first = new RecordingContext(trial.finetune(Map.of()), plans).stopAt(8);
    assertThatThrownBy(() -> trial.trainer.execute(first))
        .isInstanceOfSatisfying(
            StageStopped.class, stopped -> assertThat(stopped.step()).isEqualTo(8));
    assertThat(first.checkpoints).extracting(StageContext.Checkpoint::step).containsExactly(8L);
    RecordingContext second =
        new RecordingContext(trial.finetune(Map.of()), plans)
            .resumeFrom(first.checkpoints.get(0))
            .checkpointEvery(3)
            .stopAt(15);
    assertThatThrownBy(() -> trial.trainer.execute(second)).isInstanceOf(StageStopped.class);
    assertThat(second.checkpoints)
        .extracting(StageContext.Checkpoint::step)
        .containsExactly(11L, 14L, 15L);
    assertThat(second.checkpoints)
        .extracting(saved -> trial.store.contains(saved.artifact().getSha256()))
        .containsExactly(false, true, true);

    RecordingContext third =
        new RecordingContext(trial.finetune(Map.of()), plans).resumeFrom(second.checkpoints.get(1));
    StageResult resumed = trial.trainer.execute(third);

    assertThat(resumed.outputs()).isEqualTo(whole.outputs());
    assertThat(third.epochs).extracting(EpochEvaluated::getEpoch).containsExactly(3);
    assertThat(trial.store.contains(second.checkpoints.get(1).artifact().getSha256())).isFalse();
  }

  @Test
  void startsAnewWhereTheCheckpointIsGone() throws Exception {
    Map<String, ArtifactRef> plans = trial.plans("magnitude", 0.5, "none");
    ArtifactRef gone = ArtifactRef.newBuilder().setSha256("ab".repeat(32)).build();
    RecordingContext context =
        new RecordingContext(trial.finetune(Map.of("epochs", 1)), plans)
            .resumeFrom(new StageContext.Checkpoint(gone, 3));

    assertThat(trial.trainer.execute(context).outputs())
        .isEqualTo(train(plans, Map.of("epochs", 1)).outputs());
  }

  @Test
  void refusesACutOfOtherWeights() throws Exception {
    Map<String, ArtifactRef> plans = trial.plans("magnitude", 0.5, "none");
    StageResult trained = train(plans, Map.of("epochs", 1));
    // The recovered weights in place of the unrecovered ones: right shape, wrong numbers.
    Map<String, ArtifactRef> outputs = new LinkedHashMap<>(trained.outputs());
    outputs.put("unrecovered", outputs.get("model"));

    assertThatThrownBy(() -> evaluate(plans, new StageResult(outputs, Map.of())))
        .isInstanceOfSatisfying(
            StageFailure.class, failure -> assertThat(failure.code()).isEqualTo("MASK_MISMATCH"));
  }

  @Test
  void refusesAModelOfOtherWidthsThanThePlan() throws Exception {
    Map<String, ArtifactRef> plans = trial.plans("magnitude", 0.5, "none");
    StageResult other = train(trial.plans("magnitude", 0.7, "none"), Map.of("epochs", 1));

    assertThatThrownBy(() -> evaluate(plans, other))
        .isInstanceOfSatisfying(
            StageFailure.class, failure -> assertThat(failure.code()).isEqualTo("MASK_MISMATCH"));
  }

  @Test
  void namesTheFailureOfATrainingThatDiverges() throws Exception {
    Map<String, ArtifactRef> plans = trial.plans("magnitude", 0.5, "none");

    assertFails(
        new RecordingContext(
            trial.finetune(Map.of("learningRate", 1e30, "warmupEpochs", 0.0, "clipNorm", 0.0)),
            plans),
        FailureCategory.FAILURE_CATEGORY_SPEC,
        "NAN_LOSS");
  }

  @Test
  void namesAMissingOrBrokenArtifactAsAFaultOfTheData() throws Exception {
    Map<String, ArtifactRef> gone =
        Map.of("plan", ArtifactRef.newBuilder().setSha256("cd".repeat(32)).build());
    assertFails(
        new RecordingContext(trial.finetune(Map.of()), gone),
        FailureCategory.FAILURE_CATEGORY_DATA,
        "MISSING_ARTIFACT");
    Map<String, ArtifactRef> broken =
        Map.of("plan", trial.put(new byte[] {1, 2, 3}, MediaTypes.PLAN));
    assertFails(
        new RecordingContext(trial.finetune(Map.of()), broken),
        FailureCategory.FAILURE_CATEGORY_DATA,
        "INVALID_FILE");
    Map<String, ArtifactRef> unfit =
        Map.of("plan", trial.put(ModelFile.write(TinyTrial.weights(1)), MediaTypes.PLAN));
    assertFails(
        new RecordingContext(trial.finetune(Map.of()), unfit),
        FailureCategory.FAILURE_CATEGORY_DATA,
        "INVALID_FILE");
  }

  /** A sweep that was accepted before the doors asked would train and measure nonsense. */
  @Test
  void refusesImagesThatTheModelDoesNotTake() throws Exception {
    Map<String, ArtifactRef> plans = trial.plans("magnitude", 0.5, "none");
    Map<String, ArtifactRef> trained =
        trial.trainer.execute(new RecordingContext(trial.finetune(Map.of()), plans)).outputs();
    Map<String, ArtifactRef> evaluated = new LinkedHashMap<>(plans);
    evaluated.putAll(trained);

    for (StageSpec spec : List.of(trial.search("vtp", Map.of()), trial.finetune(Map.of()))) {
      assertFails(
          new RecordingContext(trial.onMoreClasses(spec), plans),
          FailureCategory.FAILURE_CATEGORY_DATA,
          "INVALID_DATASET");
    }
    assertThatThrownBy(
            () ->
                trial.evaluator.execute(
                    new RecordingContext(trial.onMoreClasses(trial.accuracy()), evaluated)))
        .isInstanceOf(StageFailure.class)
        .hasMessageContaining(
            "dataset \"tiny\": expected images of 1 channel, 8 x 8, in 4 classes, as the model"
                + " takes but found images of 1 channel, 8 x 8, in 5 classes");
  }

  @Test
  void namesBadParametersAsAFaultOfTheSpec() throws Exception {
    Map<String, ArtifactRef> plans = trial.plans("magnitude", 0.5, "none");
    for (Map<String, Object> bad :
        List.<Map<String, Object>>of(
            Map.of("epochs", 0),
            Map.of("epochs", 1.5),
            Map.of("epochs", "three"),
            Map.of("augmentation", "cutmix"),
            Map.of("labelSmoothing", 1.0),
            Map.of("learningRate", -1.0))) {
      assertFails(
          new RecordingContext(trial.finetune(bad), plans),
          FailureCategory.FAILURE_CATEGORY_SPEC,
          "BAD_PARAMETER");
    }
  }

  private static void assertFails(RecordingContext context, FailureCategory category, String code) {
    assertThatThrownBy(() -> trial.trainer.execute(context))
        .isInstanceOfSatisfying(
            StageFailure.class,
            failure -> {
              assertThat(failure.code()).isEqualTo(code);
              assertThat(failure.category()).isEqualTo(category);
            });
  }

  private static StageResult train(Map<String, ArtifactRef> plans, Map<String, Object> changes)
      throws Exception {
    return trial.trainer.execute(new RecordingContext(trial.finetune(changes), plans));
  }

  private static StageResult evaluate(Map<String, ArtifactRef> plans, StageResult trained)
      throws Exception {
    return evaluate(trial.evaluate(), plans, trained);
  }

  private static StageResult evaluate(
      StageSpec spec, Map<String, ArtifactRef> plans, StageResult trained) throws Exception {
    Map<String, ArtifactRef> reads = new LinkedHashMap<>(plans);
    reads.putAll(trained.outputs());
    return trial.evaluator.execute(new RecordingContext(spec, reads));
  }
}
