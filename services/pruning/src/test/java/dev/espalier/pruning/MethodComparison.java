package dev.espalier.pruning;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.latency.LatencyConditions;
import dev.espalier.architecture.latency.LatencyGrid;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.method.SearchKind;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.datasets.Augmentation;
import dev.espalier.datasets.DatasetArtifact;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.evaluation.DeviceName;
import dev.espalier.pruning.evaluation.DjlContender;
import dev.espalier.pruning.evaluation.DjlRuntime;
import dev.espalier.pruning.evaluation.LatencyMeasurement;
import dev.espalier.pruning.evaluation.SpeedComparison;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.surgery.Uncut;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.training.Evaluation;
import dev.espalier.pruning.training.Evaluator;
import dev.espalier.pruning.training.TrainingRecipe;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.VitModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * NViT against the controls at one budget: same base, data, number of updates and recovery recipe,
 * several seeds. A control recovers for as many more updates as NViT's search took, so that all
 * have trained equally long; it is also shown with NViT's recovery alone.
 *
 * <p>{@code MethodComparison BASE.safetensors DATASET.zip [key=value ...]} with the keys keep,
 * seeds, recoveryEpochs, batch, recoveryRate, threads, methods and those methods' parameters. With
 * {@code target=latency} the budget is a share of the forward time of {@code latencyBatch} images,
 * by a table that is measured first; every model is then timed in turns with the base.
 */
public final class MethodComparison {

  private final Map<String, String> options;
  private final VitWeights base;
  private final ImageDataset dataset;
  private final TensorEngine tensors;
  private final int threads;
  private final TargetKind target;
  private Optional<LatencyTable> table = Optional.empty();

  private MethodComparison(Map<String, String> options, VitWeights base, ImageDataset dataset) {
    this.options = options;
    this.base = base;
    this.dataset = dataset;
    this.threads = Integer.parseInt(options.getOrDefault("threads", "1"));
    this.tensors = TensorEngine.start(EngineSettings.cpu(threads));
    this.target = TargetKind.of(options.getOrDefault("target", "macs"));
  }

  private int latencyBatch() {
    return Integer.parseInt(options.getOrDefault("latencyBatch", "1"));
  }

  private LatencyTable measureTable() {
    try (VitEngine engine = VitEngine.fast(tensors, Precision.FP32)) {
      return new LatencyMeasurement(
              new DjlRuntime(tensors, engine),
              new LatencyConditions(DeviceName.of("cpu"), "djl", "fp32", threads, latencyBatch()),
              7)
          .measure(LatencyGrid.of(base.architecture()), () -> {});
    }
  }

  /** Time of one pass as a share of the base's, median over turns. */
  private double timed(VitWeights cut) {
    try (VitEngine engine = VitEngine.fast(tensors, Precision.FP32);
        VitModel whole = VitModel.frozen(tensors, base);
        VitModel small = VitModel.frozen(tensors, cut)) {
      SpeedComparison speed =
          SpeedComparison.measure(
                  List.of(
                      new SpeedComparison.Pair(
                          new DjlContender(tensors, engine, whole),
                          new DjlContender(tensors, engine, small))),
                  dataset,
                  dataset.test(),
                  latencyBatch(),
                  60,
                  () -> {})
              .get(0);
      return 1 / (latencyBatch() == 1 ? speed.speedupBatch1() : speed.speedupThroughput());
    }
  }

  public static void main(String[] args) throws IOException {
    Map<String, String> options = new HashMap<>();
    for (int i = 2; i < args.length; i++) {
      String[] pair = args[i].split("=", 2);
      options.put(pair[0], pair[1]);
    }
    new MethodComparison(
            options,
            ModelFile.read(Files.readAllBytes(Path.of(args[0]))),
            DatasetArtifact.read(Path.of(args[1])))
        .run();
  }

  private void run() {
    System.out.printf(
        "base: top-1 %.4f, %s%n", test(base).top1Accuracy(), Cost.of(base.architecture()));
    double keep = Double.parseDouble(options.getOrDefault("keep", "0.5"));
    String methods = options.getOrDefault("methods", "random,magnitude,nvit");
    if (target == TargetKind.LATENCY || methods.contains("latency")) {
      table = Optional.of(measureTable());
    }
    for (String name : methods.split(",")) {
      List<Double> before = new ArrayList<>();
      List<Double> after = new ArrayList<>();
      List<Double> afterEqual = new ArrayList<>();
      int seeds = Integer.parseInt(options.getOrDefault("seeds", "3"));
      for (int seed = 1; seed <= seeds; seed++) {
        long started = System.nanoTime();
        Pruned pruned = prune(PruningMethods.get(name), keep, seed);
        double seconds = (System.nanoTime() - started) / 1e9;
        VitWeights cut = Cut.apply(pruned.weights(), pruned.plan());
        double unrecovered = test(cut).top1Accuracy();
        before.add(unrecovered);
        int epochs = Integer.parseInt(options.getOrDefault("recoveryEpochs", "2"));
        double recovered = epochs == 0 ? 0 : test(recover(cut, epochs, seed)).top1Accuracy();
        after.add(recovered);
        Cost cost = pruned.plan().cost();
        System.out.printf(
            "%s seed %d: search %.1f s, %d steps, macs %.4f params %.4f, before %.4f after %.4f%n",
            name,
            seed,
            seconds,
            pruned.steps(),
            cost.keepRatio(Cost.of(base.architecture()), TargetKind.MACS),
            cost.keepRatio(Cost.of(base.architecture()), TargetKind.PARAMS),
            unrecovered,
            recovered);
        if (table.isPresent()) {
          System.out.printf(
              "  latency: predicted %.4f, measured %.4f of the base's, batch %d%n",
              table.get().keepRatio(pruned.plan().cutArchitecture(), base.architecture()),
              timed(cut),
              latencyBatch());
        }
        if (seed == 1) {
          System.out.println("  " + widths(pruned.plan().cutArchitecture()));
        }
        int extra = Integer.parseInt(options.getOrDefault("extraEpochs." + name, "0"));
        if (extra > 0) {
          afterEqual.add(test(recover(cut, epochs + extra, seed)).top1Accuracy());
        }
      }
      System.out.printf(
          "%s: before %s, after %s%s%n",
          name,
          spread(before),
          spread(after),
          afterEqual.isEmpty() ? "" : ", after with extra epochs " + spread(afterEqual));
    }
  }

  private record Pruned(PruningPlan plan, VitWeights weights, long steps) {}

  private Pruned prune(PruningMethod method, double keep, long seed) {
    Map<String, Object> parameters = new HashMap<>(method.descriptor().defaults());
    method
        .descriptor()
        .parameters()
        .forEach(
            parameter -> {
              String given = options.get(parameter.name());
              if (given != null) {
                Object value =
                    parameter.defaultValue() instanceof String ? given : Double.valueOf(given);
                parameters.put(parameter.name(), parameter.accept(value).orElseThrow());
              }
            });
    int alignment = ((Number) parameters.get("alignment")).intValue();
    SearchRequest.Images images =
        new SearchRequest.Images(dataset, tensors, threads, Precision.FP32);
    Optional<byte[]> trajectory = Optional.empty();
    Search.Result result = null;
    long steps = 0;
    boolean chained = method.descriptor().search() == SearchKind.CHAINED;
    for (double from = 1; result == null || (chained && from > keep + 1e-9); ) {
      double to = Math.max(keep, Math.round((from - 0.05) * 100) / 100.0);
      parameters.put("targetKind", target.text());
      parameters.put("keepRatio", keep);
      parameters.put("keepRatioFrom", from);
      parameters.put("keepRatioTo", to);
      SearchRequest request = SearchRequest.of(base, parameters, seed).on(images);
      if (table.isPresent()) {
        request = request.timedBy(table.get());
      }
      if (trajectory.isPresent()) {
        request = request.after(trajectory.get());
      }
      try (Search search = method.search(request)) {
        while (!search.finished()) {
          search.step();
        }
        result = search.result();
        steps += search.steps();
        trajectory = result.findings();
      }
      from = to;
    }
    PruningPlan plan =
        method.plan(
            new PlanRequest(
                base.architecture(),
                result.importance(),
                trajectory,
                target,
                keep,
                Map.of("alignment", alignment),
                table));
    VitWeights whole =
        Uncut.of(result.weights().orElse(base), plan, method.brought(plan, trajectory));
    return new Pruned(plan, whole, steps);
  }

  private VitWeights recover(VitWeights cut, int epochs, long seed) {
    TrainingRecipe recipe =
        new TrainingRecipe(
            epochs,
            Integer.parseInt(options.getOrDefault("batch", "64")),
            Double.parseDouble(options.getOrDefault("recoveryRate", "5e-4")),
            0.05,
            0.1,
            0,
            1,
            Double.parseDouble(options.getOrDefault("kl", "1")),
            Double.parseDouble(options.getOrDefault("temperature", "3")),
            Augmentation.NONE,
            Precision.FP32,
            threads,
            seed);
    try (VitEngine engine = VitEngine.fast(tensors, Precision.FP32);
        VitModel model = VitModel.trainable(tensors, cut);
        VitModel teacher = VitModel.frozen(tensors, base);
        TrainingRun run =
            TrainingRun.of(tensors, engine, model, dataset, recipe).teacher(teacher).start()) {
      run.run(() -> false);
      return model.weights();
    }
  }

  private Evaluation test(VitWeights weights) {
    try (VitEngine engine = VitEngine.fast(tensors, Precision.FP32);
        VitModel model = VitModel.frozen(tensors, weights)) {
      return new Evaluator(tensors, engine, 256).evaluate(model, dataset, dataset.test());
    }
  }

  private static String widths(VitArchitecture vit) {
    return "d "
        + vit.embedding()
        + vit.blocks().stream()
            .map(
                block ->
                    " | H %d q %d v %d M %d"
                        .formatted(
                            block.heads(), block.qkWidth(), block.vWidth(), block.mlpHidden()))
            .collect(Collectors.joining());
  }

  private static String spread(List<Double> values) {
    double mean = values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    double squares = values.stream().mapToDouble(value -> Math.pow(value - mean, 2)).sum();
    return String.format(
        Locale.ROOT, "%.4f ± %.4f", mean, Math.sqrt(squares / Math.max(1, values.size() - 1)));
  }
}
