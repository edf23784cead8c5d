package dev.espalier.evaluator.stage;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.evaluator.onnx.OnnxAgreement;
import dev.espalier.evaluator.onnx.OnnxModel;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageExecutor;
import dev.espalier.messaging.worker.StageFailure;
import dev.espalier.messaging.worker.StageParameters;
import dev.espalier.messaging.worker.StageResult;
import dev.espalier.messaging.worker.StageStopped;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.evaluation.CountedMacs;
import dev.espalier.pruning.evaluation.DeviceName;
import dev.espalier.pruning.evaluation.DjlContender;
import dev.espalier.pruning.evaluation.MaskHonesty;
import dev.espalier.pruning.evaluation.ScoreAgreement;
import dev.espalier.pruning.evaluation.SpeedComparison;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.surgery.Uncut;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.training.Evaluation;
import dev.espalier.pruning.training.Evaluator;
import dev.espalier.pruning.vit.VitModel;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.FailureCategory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Says what a trial is worth: proves that the cut did what the plan says, then measures accuracy on
 * the test images before and after recovery, cost by formula and counted, and speed against the
 * base model in turns, in DJL and, on processors, in ONNX Runtime. As {@link #ACCURACY} it leaves
 * out speed.
 */
final class EvaluateStage implements StageExecutor {

  /** The algorithm of a stage that measures no speed. */
  static final String ACCURACY = "accuracy";

  private static final int ACCURACY_BATCH = 128;
  private static final int PART = 4 * ACCURACY_BATCH;
  private static final int HONESTY_IMAGES = 64;

  private final StageFiles files;
  private final TensorEngine tensors;
  private final EngineSettings settings;

  EvaluateStage(StageFiles files, TensorEngine tensors, EngineSettings settings) {
    this.files = files;
    this.tensors = tensors;
    this.settings = settings;
  }

  @Override
  public StageResult execute(StageContext context) throws Exception {
    Optional<Timing> timing = timing(context);
    Precision precision = Numbers.precision(context.spec().getNumerics());
    VitWeights base = files.model(context.outsideInput("base").getArtifact());
    ImageDataset dataset = files.dataset(context.outsideInput("dataset"), base.architecture());
    VitWeights unrecovered = files.model(context.input("unrecovered"));
    ArtifactRef modelFile = context.input("model");
    VitWeights model = files.model(modelFile);
    List<Split> parts = parts(dataset.test());
    int forwards = timing.map(t -> SpeedComparison.forwards(t.onnx() ? 2 : 1, t.runs())).orElse(0);
    Steps steps = new Steps(context, 1 + 3 * parts.size() + forwards);

    Optional<ArtifactRef> start = context.findInput("start");
    VitWeights from = start.isPresent() ? files.model(start.get()) : base;
    double difference = maskDifference(context, from, unrecovered, model, dataset);
    steps.done();
    Map<String, Double> measured = new LinkedHashMap<>();
    Map<String, Object> pictures;
    List<SpeedComparison> speeds = List.of();
    try (VitEngine engine = VitEngine.fast(tensors, precision);
        VitModel baseModel = VitModel.frozen(tensors, base);
        VitModel unrecoveredModel = VitModel.frozen(tensors, unrecovered);
        VitModel cutModel = VitModel.frozen(tensors, model)) {
      Evaluator evaluator = new Evaluator(tensors, engine, ACCURACY_BATCH);
      Accuracy recovered = accuracy(evaluator, cutModel, dataset, parts, steps);
      Accuracy before = accuracy(evaluator, unrecoveredModel, dataset, parts, steps);
      Accuracy whole = accuracy(evaluator, baseModel, dataset, parts, steps);
      accuracies(measured, recovered, before, whole);
      costs(measured, base, model, cutModel);
      pictures = KeptPatchesRecord.of(tensors, cutModel, dataset);
      if (timing.isPresent()) {
        SpeedComparison.Pair djl =
            new SpeedComparison.Pair(
                new DjlContender(tensors, engine, baseModel),
                new DjlContender(tensors, engine, cutModel));
        speeds = speeds(timing.get(), djl, base, cutModel, model, dataset, measured, steps);
      }
    }
    measured.put("model_bytes", (double) modelFile.getSizeBytes());
    Map<String, Object> record = record(precision, dataset.test().size());
    Optional<LatencyTable> table = context.findInput("latency").map(files::latency);
    table.ifPresent(
        latencies ->
            measured.put(
                "predicted_latency_keep_ratio",
                latencies.keepRatio(model.architecture(), base.architecture())));
    if (!speeds.isEmpty()) {
      EvaluationRecord figures = new EvaluationRecord(speeds);
      measured.putAll(figures.measurements());
      record.putAll(figures.conditions());
      table
          .flatMap(latencies -> figures.latencyKeepRatio(latencies.conditions()))
          .ifPresent(ratio -> measured.put("latency_keep_ratio", ratio));
    }
    measured.put("mask_max_abs_difference", difference);
    measured.put("test_images", (double) dataset.test().size());
    record.put("measurements", measured);
    record.putAll(pictures);
    byte[] json = Json.canonical(record).getBytes(StandardCharsets.UTF_8);
    return new StageResult(Map.of("evaluation", files.put(json, MediaTypes.EVALUATION)), measured);
  }

  /**
   * How speed is measured.
   *
   * @param onnx whether in ONNX Runtime too, which is here for processors only
   */
  private record Timing(int batchSize, int runs, boolean onnx) {}

  private Optional<Timing> timing(StageContext context) throws StageFailure {
    if (context.spec().getAlgorithm().equals(ACCURACY)) {
      return Optional.empty();
    }
    StageParameters parameters = StageParameters.of(context.spec());
    return Optional.of(
        new Timing(
            parameters.integer("batchSize", 1, 1 << 16),
            parameters.integer("runs", 1, 10_000),
            settings.device().equals("cpu")));
  }

  private List<SpeedComparison> speeds(
      Timing timing,
      SpeedComparison.Pair djl,
      VitWeights base,
      VitModel cutModel,
      VitWeights model,
      ImageDataset dataset,
      Map<String, Double> measured,
      Steps steps)
      throws StageFailure, StageStopped {
    int batchSize = timing.batchSize();
    int runs = timing.runs();
    if (!timing.onnx()) {
      return SpeedComparison.measure(
          List.of(djl), dataset, dataset.test(), batchSize, runs, steps::done);
    }
    try (OnnxModel onnxBase = new OnnxModel(base, tensors.threads());
        OnnxModel onnxCut = new OnnxModel(model, tensors.threads())) {
      ScoreAgreement agreement = agreement(cutModel, onnxCut, dataset);
      measured.put("onnx_max_abs_difference", agreement.maxAbsDifference());
      return SpeedComparison.measure(
          List.of(djl, new SpeedComparison.Pair(onnxBase, onnxCut)),
          dataset,
          dataset.test(),
          batchSize,
          runs,
          steps::done);
    }
  }

  /**
   * Compares the masked base, or in a combination what the method before made of it, with its cut.
   * A redistributed model has units that its pruned form had not, so no mask of the base equals it;
   * there the pruned form is cut anew and compared.
   */
  private double maskDifference(
      StageContext context,
      VitWeights base,
      VitWeights unrecovered,
      VitWeights model,
      ImageDataset dataset)
      throws StageFailure {
    Optional<ArtifactRef> searched = context.findInput("weights");
    VitWeights weights = searched.isPresent() ? files.model(searched.get()) : base;
    Optional<ArtifactRef> tensors = context.findInput("tensors");
    Map<String, Tensor> brought = tensors.isPresent() ? files.tensors(tensors.get()) : Map.of();
    Optional<ArtifactRef> prunedPlan = context.findInput("prunedPlan");
    PruningPlan last = files.plan(context.input("plan"));
    if (!last.cutArchitecture().equals(unrecovered.architecture())
        || !last.cutArchitecture().equals(model.architecture())) {
      throw mismatch("cut and recovered model must have the widths of the plan but have others");
    }
    PruningPlan plan = prunedPlan.isPresent() ? files.plan(prunedPlan.get()) : last;
    VitWeights uncut = Uncut.of(weights, plan, brought);
    VitWeights cut = prunedPlan.isPresent() ? Cut.apply(uncut, plan) : unrecovered;
    ScoreAgreement agreement =
        MaskHonesty.agreement(
            this.tensors, uncut, plan, cut, dataset, dataset.test(), HONESTY_IMAGES);
    if (!agreement.holdsFor(cut.architecture())) {
      throw mismatch(
          "masked and cut model must agree to %s in every class score but differ by %s"
              .formatted(ScoreAgreement.TOLERANCE, agreement));
    }
    return agreement.maxAbsDifference();
  }

  private static StageFailure mismatch(String message) {
    return new StageFailure(FailureCategory.FAILURE_CATEGORY_INTERNAL, "MASK_MISMATCH", message);
  }

  /** Shares of the test images whose class is the best, and among the best five. */
  private record Accuracy(double top1, double top5) {}

  /** Parts of a split, so that there is headway to tell between them. */
  private static List<Split> parts(Split split) {
    List<Split> parts = new ArrayList<>();
    for (int from = 0; from < split.size(); from += PART) {
      parts.add(split.slice(from, Math.min(from + PART, split.size())));
    }
    return parts;
  }

  private static Accuracy accuracy(
      Evaluator evaluator, VitModel model, ImageDataset dataset, List<Split> parts, Steps steps)
      throws StageStopped {
    long first = 0;
    long five = 0;
    long images = 0;
    for (Split part : parts) {
      Evaluation evaluation = evaluator.evaluate(model, dataset, part);
      first += Math.round(evaluation.top1Accuracy() * evaluation.images());
      five += Math.round(evaluation.top5Accuracy() * evaluation.images());
      images += evaluation.images();
      steps.done();
    }
    return new Accuracy((double) first / images, (double) five / images);
  }

  private static void accuracies(
      Map<String, Double> measured, Accuracy recovered, Accuracy before, Accuracy base) {
    measured.put("top1_accuracy", recovered.top1());
    measured.put("top5_accuracy", recovered.top5());
    measured.put("top1_before_recovery", before.top1());
    measured.put("top5_before_recovery", before.top5());
    measured.put("base_top1_accuracy", base.top1());
    measured.put("base_top5_accuracy", base.top5());
  }

  private void costs(
      Map<String, Double> measured, VitWeights base, VitWeights model, VitModel cutModel) {
    Cost cost = Cost.of(model.architecture());
    Cost baseCost = Cost.of(base.architecture());
    measured.put("params", (double) cost.params());
    measured.put("macs", (double) cost.macs());
    measured.put("counted_macs", (double) CountedMacs.of(tensors, cutModel));
    measured.put("base_params", (double) baseCost.params());
    measured.put("base_macs", (double) baseCost.macs());
  }

  /** What is timed must compute what the model computes. */
  private ScoreAgreement agreement(VitModel model, OnnxModel exported, ImageDataset dataset)
      throws StageFailure {
    ScoreAgreement agreement =
        OnnxAgreement.of(tensors, model, exported, dataset, dataset.test(), HONESTY_IMAGES);
    if (!agreement.holdsFor(model.architecture())) {
      throw new StageFailure(
          FailureCategory.FAILURE_CATEGORY_INTERNAL,
          "ONNX_MISMATCH",
          "ONNX Runtime and DJL must agree to %s in every class score but differ by %s"
              .formatted(ScoreAgreement.TOLERANCE, agreement));
    }
    return agreement;
  }

  /** Under what circumstances the figures came about, without which they mean little. */
  private Map<String, Object> record(Precision precision, int testImages) {
    Map<String, Object> record = new LinkedHashMap<>();
    record.put("format", "espalier.evaluation/1");
    record.put("runtime", "djl");
    record.put("engine", tensors.version());
    record.put("device", settings.device());
    record.put("deviceName", DeviceName.of(settings.device()));
    record.put("threads", tensors.threads());
    record.put("precision", precision == Precision.FP32 ? "fp32" : "bf16");
    record.put("testImages", testImages);
    record.put("maskHonestyImages", HONESTY_IMAGES);
    record.put("maskTolerance", ScoreAgreement.TOLERANCE);
    return record;
  }
}
