package dev.espalier.evaluator.stage;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.espalier.architecture.latency.LatencyGrid;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.method.ParameterPhase;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.LatencyFile;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.artifacts.store.DirectoryArtifactStore;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.datasets.DatasetArtifact;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.RecentDatasets;
import dev.espalier.datasets.Split;
import dev.espalier.messaging.worker.StageExecutor;
import dev.espalier.messaging.worker.StageResult;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.redistributor.RedistributorStages;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.Numerics;
import dev.espalier.schemas.stage.v1.OutsideInput;
import dev.espalier.schemas.stage.v1.StageKind;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.trainer.stage.TrainerStages;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** The three workers' stages on a two-block ViT, 8x8 images and a directory of artifacts. */
final class TinyTrial {

  static final int TRAIN_IMAGES = 96;
  static final int BATCH = 16;

  final ArtifactStore store;
  final StageExecutor trainer;
  final StageExecutor redistributor;
  final StageExecutor evaluator;
  final ArtifactRef base;
  final ArtifactRef dataset;

  /** Of each dataset that a stage asked for, whether its worker had it already. */
  final List<Boolean> datasetsFound = new ArrayList<>();

  TinyTrial(Path directory) {
    store = new DirectoryArtifactStore(directory);
    EngineSettings engine = EngineSettings.cpu(1);
    trainer = new TrainerStages(store, recent(), engine);
    redistributor = new RedistributorStages(store);
    evaluator = new EvaluatorStages(store, recent(), engine);
    base = put(ModelFile.write(weights(1)), MediaTypes.MODEL);
    dataset = put(DatasetArtifact.write(images(4)), MediaTypes.DATASET);
  }

  /** The same images, said to be of more classes than the model tells apart. */
  StageSpec onMoreClasses(StageSpec spec) {
    ArtifactRef other = put(DatasetArtifact.write(images(5)), MediaTypes.DATASET);
    return spec.toBuilder()
        .clearOutsideInputs()
        .addOutsideInputs(outside("base", base))
        .addOutsideInputs(outside("dataset", other))
        .build();
  }

  private RecentDatasets recent() {
    return new RecentDatasets(1 << 20, found -> datasetsFound.add(found));
  }

  static VitWeights weights(long seed) {
    return VitInitializer.weights(VitArchitecture.uniform(8, 4, 1, 4, 32, 2, 2, 64), seed);
  }

  /** Four classes that differ in which quarter is bright, under noise. */
  private static ImageDataset images(int classes) {
    List<Double> half = List.of(0.5);
    return new ImageDataset(
        "tiny", 1, 8, classes, half, half, split(TRAIN_IMAGES, 1), split(32, 2), split(40, 3));
  }

  private static Split split(int size, long seed) {
    Random random = new Random(seed);
    byte[] images = new byte[size * 64];
    int[] labels = new int[size];
    for (int i = 0; i < size; i++) {
      labels[i] = i % 4;
      for (int pixel = 0; pixel < 64; pixel++) {
        boolean bright = pixel / 32 == labels[i] / 2 && pixel % 8 / 4 == labels[i] % 2;
        images[i * 64 + pixel] = (byte) (random.nextInt(120) + (bright ? 100 : 0));
      }
    }
    return new Split(images, labels);
  }

  ArtifactRef put(byte[] bytes, String mediaType) {
    return new StageFiles(store, new RecentDatasets(0, found -> {})).put(bytes, mediaType);
  }

  byte[] read(ArtifactRef file) {
    return store.read(file.getSha256());
  }

  StageSpec search(String method, Map<String, Object> parameters) {
    MethodDescriptor descriptor = Methods.get(method);
    Map<String, Object> all = new LinkedHashMap<>(parameters);
    descriptor.parameters(ParameterPhase.SEARCH, parameters).forEach(all::putIfAbsent);
    return spec(StageKind.STAGE_KIND_SEARCH, method, all);
  }

  StageSpec prune(String method, double keepRatio) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("targetKind", "macs");
    all.put("keepRatio", keepRatio);
    // A patch or a block is a large share of these few.
    all.put("alignment", method.equals("dynamicvit") || method.startsWith("depth") ? 1 : 4);
    Methods.get(method).parameters(ParameterPhase.PRUNE, all).forEach(all::putIfAbsent);
    return spec(StageKind.STAGE_KIND_PRUNE, method, all);
  }

  StageSpec redistribute(String policy) {
    return spec(
        StageKind.STAGE_KIND_REDISTRIBUTE, policy, Map.of("targetKind", "macs", "alignment", 4));
  }

  StageSpec finetune(Map<String, Object> changes) {
    Map<String, Object> recipe = new LinkedHashMap<>();
    recipe.put("epochs", 3);
    recipe.put("batchSize", BATCH);
    recipe.put("learningRate", 2e-3);
    recipe.put("weightDecay", 0.05);
    recipe.put("warmupEpochs", 0.5);
    recipe.put("labelSmoothing", 0.1);
    recipe.put("clipNorm", 1.0);
    recipe.put("distillationWeight", 0.5);
    recipe.put("distillationTemperature", 2.0);
    recipe.put("augmentation", "crop-flip");
    recipe.putAll(changes);
    return spec(StageKind.STAGE_KIND_FINETUNE, "finetune", recipe);
  }

  StageSpec latencyTable(String runtime, int batchSize) {
    return spec(
        StageKind.STAGE_KIND_EVALUATE,
        "latency-table",
        Map.of(
            "shape",
            weights(1).architecture().toJson(),
            "runtime",
            runtime,
            "batchSize",
            batchSize,
            "runs",
            3,
            "device",
            "cpu"));
  }

  StageSpec evaluate() {
    return spec(
        StageKind.STAGE_KIND_EVALUATE,
        "evaluate",
        Map.of("batchSize", 8, "runs", 3, "device", "cpu"));
  }

  StageSpec accuracy() {
    return spec(StageKind.STAGE_KIND_EVALUATE, "accuracy", Map.of("device", "cpu"));
  }

  private StageSpec spec(StageKind kind, String algorithm, Map<String, Object> parameters) {
    Struct.Builder struct = Struct.newBuilder();
    parameters.forEach((name, value) -> struct.putFields(name, value(value)));
    return StageSpec.newBuilder()
        .setKind(kind)
        .setAlgorithm(algorithm)
        .setAlgorithmVersion(1)
        .setParameters(struct)
        .setSeed(7)
        .addOutsideInputs(outside("base", base))
        .addOutsideInputs(outside("dataset", dataset))
        .setNumerics(Numerics.newBuilder().setPrecision("fp32").setThreads(1))
        .build();
  }

  private static Value value(Object value) {
    if (value instanceof Boolean flag) {
      return Value.newBuilder().setBoolValue(flag).build();
    }
    return value instanceof Number number
        ? Value.newBuilder().setNumberValue(number.doubleValue()).build()
        : Value.newBuilder().setStringValue((String) value).build();
  }

  private static OutsideInput outside(String role, ArtifactRef artifact) {
    return OutsideInput.newBuilder().setRole(role).setName(role).setArtifact(artifact).build();
  }

  /** Search, cut and redistribution up to what a finetune reads; policy "none" leaves it out. */
  Map<String, ArtifactRef> plans(String method, double keepRatio, String policy) throws Exception {
    return plans(method, keepRatio, policy, Map.of());
  }

  /** The same on what another method left, where {@code start} is given. */
  Map<String, ArtifactRef> plans(
      String method, double keepRatio, String policy, Map<String, ArtifactRef> start)
      throws Exception {
    StageResult search =
        trainer.execute(new RecordingContext(search(method, target(method, keepRatio)), start));
    Map<String, ArtifactRef> forPrune = new LinkedHashMap<>(search.outputs());
    forPrune.putAll(start);
    StageResult pruned = trainer.execute(new RecordingContext(prune(method, keepRatio), forPrune));
    Map<String, ArtifactRef> reads = new LinkedHashMap<>(start);
    if (search.outputs().containsKey("weights")) {
      reads.put("weights", search.outputs().get("weights"));
    }
    if (pruned.outputs().containsKey("tensors")) {
      reads.put("tensors", pruned.outputs().get("tensors"));
    }
    if (policy.equals("none")) {
      reads.put("plan", pruned.outputs().get("plan"));
      return reads;
    }
    Map<String, ArtifactRef> known = new LinkedHashMap<>(search.outputs());
    known.putAll(pruned.outputs());
    StageResult redistributed =
        redistributor.execute(new RecordingContext(redistribute(policy), known));
    reads.put("plan", redistributed.outputs().get("plan"));
    reads.put("prunedPlan", pruned.outputs().get("plan"));
    return reads;
  }

  /**
   * A latency target between the least and the whole base: what a cut of so small a model can gain
   * is up to the clock.
   */
  private static double reachable(LatencyTable table) {
    VitArchitecture least = LatencyGrid.of(table.base()).wholeShapes().get(0);
    return (1 + table.keepRatio(least, table.base())) / 2;
  }

  /** Search, cut and redistribution for a share of the latency that a table predicts. */
  Map<String, ArtifactRef> timedPlans(String method, String policy, ArtifactRef table)
      throws Exception {
    double keepRatio = reachable(LatencyFile.read(read(table)));
    Map<String, Object> target = target(method, keepRatio);
    target.computeIfPresent("targetKind", (name, macs) -> "latency");
    StageResult search =
        trainer.execute(new RecordingContext(search(method, target), Map.of("latency", table)));
    Map<String, ArtifactRef> reads = new LinkedHashMap<>(search.outputs());
    reads.put("latency", table);
    Map<String, Object> prune = new LinkedHashMap<>();
    prune.put("targetKind", "latency");
    prune.put("keepRatio", keepRatio);
    prune.put("alignment", 4);
    StageResult pruned =
        trainer.execute(
            new RecordingContext(spec(StageKind.STAGE_KIND_PRUNE, method, prune), reads));
    Map<String, ArtifactRef> plans = new LinkedHashMap<>();
    if (search.outputs().containsKey("weights")) {
      plans.put("weights", search.outputs().get("weights"));
    }
    plans.put("plan", pruned.outputs().get("plan"));
    if (policy.equals("none")) {
      return plans;
    }
    reads.putAll(pruned.outputs());
    StageSpec redistribute =
        spec(
            StageKind.STAGE_KIND_REDISTRIBUTE,
            policy,
            Map.of("targetKind", "latency", "alignment", 4));
    plans.put(
        "plan",
        redistributor.execute(new RecordingContext(redistribute, reads)).outputs().get("plan"));
    plans.put("prunedPlan", pruned.outputs().get("plan"));
    return plans;
  }

  /** What a search is told of the target, and how it is made short. */
  private static Map<String, Object> target(String method, double keepRatio) {
    Map<String, Object> parameters = new LinkedHashMap<>();
    MethodDescriptor descriptor = Methods.get(method);
    if (descriptor.searchUsesDataset()) {
      parameters.put("batchSize", BATCH);
    }
    if (descriptor.parameter("epochs").isPresent()) {
      parameters.put("epochs", 2);
    }
    if (method.equals("dynamicvit")) {
      // Scores of predictors that learnt nothing are ties, which ONNX Runtime breaks otherwise.
      parameters.putAll(Map.of("learningRate", 1e-2, "epochs", 4));
    }
    switch (descriptor.search()) {
      case SHARED -> {}
      case PER_TARGET -> parameters.putAll(Map.of("targetKind", "macs", "keepRatio", keepRatio));
      case CHAINED -> {
        parameters.putAll(Map.of("targetKind", "macs", "keepRatioFrom", 1.0));
        parameters.putAll(Map.of("keepRatioTo", keepRatio, "interval", 2));
      }
    }
    return parameters;
  }
}
