package dev.espalier.pruning.wdpruning;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.importance.BlockImportance;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.method.TrainedSearch;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.surgery.Uncut;
import dev.espalier.pruning.training.Evaluator;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;

/** One training that learns widths for one target, and the accuracy of each depth that meets it. */
final class WdSearch extends TrainedSearch {

  /** Share of the updates in which thresholds can travel to the target. */
  private static final double TRAVEL = 0.3;

  private final VitArchitecture vit;
  private final WdSettings settings;
  private final SearchRequest.Images images;
  private final VitEngine engine;
  private final VitModel model;
  private final JointTraining training;

  WdSearch(SearchRequest request) {
    this.images = request.requireImages();
    this.settings = WdSettings.of(request);
    this.vit = request.base().architecture();
    Widths.requirePlain(vit);
    double share = uniformShare();
    this.engine = VitEngine.fast(images.tensors(), images.precision());
    this.model = VitModel.trainable(images.tensors(), request.base());
    double target = new Remaining(vit).ofUniform(share);
    long updates =
        (long) settings.epochs()
            * settings.recipe(images, 0).batches(images.dataset().train().size());
    this.training =
        new JointTraining(
            vit,
            new WidthMasks(
                vit,
                settings.roundTo(),
                settings.thresholdStart(),
                request.seed(),
                model.manager()),
            new Classifiers(vit, classifierDepths(), request.seed(), model.manager()),
            settings.classifierWeight(),
            target,
            prunerRate(share, updates),
            new Multipliers(settings.adamMultipliers(), settings.multiplierRate()));
    open(
        request,
        TrainingRun.of(
                images.tensors(),
                engine,
                model,
                images.dataset(),
                settings.recipe(images, request.seed()))
            .hook(training));
  }

  /** Depths below the base's that get a classifier. */
  private List<Integer> classifierDepths() {
    int shallowest = Math.max(1, vit.depth() - settings.classifiers());
    return IntStream.range(shallowest, vit.depth()).boxed().toList();
  }

  /**
   * The share that all layers would keep in a model that meets the target: one block less than the
   * base's where depth may go, as in the paper's 0.3-11.
   *
   * @throws IllegalArgumentException where no depth meets it, naming the least keep ratio
   */
  private double uniformShare() {
    double goal = settings.keepRatio() * Cost.of(vit).of(settings.targetKind());
    int shallowest = Math.max(1, vit.depth() - settings.classifiers());
    WdPruning.requireReachable(vit, shallowest, settings.roundTo(), settings.targetKind(), goal);
    Widths oneLess = new Widths(vit, Math.max(shallowest, vit.depth() - 1), 1);
    Widths widths =
        oneLess.most(settings.targetKind()) >= goal ? oneLess : new Widths(vit, vit.depth(), 1);
    return widths.uniformShare(settings.targetKind(), goal);
  }

  private double prunerRate(double share, long updates) {
    if (settings.prunerLearningRate() > 0) {
      return settings.prunerLearningRate();
    }
    double way = Math.abs(settings.thresholdStart() - Threshold.of(share));
    return Math.min(1, Math.max(1e-4, way / Math.max(1, TRAVEL * updates)));
  }

  @Override
  protected Map<String, Double> seen() {
    Map<String, Double> values = new TreeMap<>();
    values.put("remaining", training.remaining());
    values.put("remaining_target", training.target());
    values.put("kept_share_spread", training.keptShareSpread());
    values.put("lambda_1", training.multipliers()[0]);
    values.put("lambda_2", training.multipliers()[1]);
    values.put("threshold_task_gradient", training.thresholdSlopes()[0]);
    values.put("threshold_budget_gradient", training.thresholdSlopes()[1]);
    return values;
  }

  @Override
  protected Result found() {
    VitWeights weights = model.weights();
    Findings findings = training.findings(accuracies(weights));
    return new Result(importance(findings), Optional.of(findings.toBytes()), Optional.of(weights));
  }

  /** Validation accuracy of the cut model at each depth that can meet the target. */
  private Map<Integer, Double> accuracies(VitWeights weights) {
    Findings findings = training.findings(Map.of());
    double goal = settings.keepRatio() * Cost.of(vit).of(settings.targetKind());
    List<Integer> depths = new ArrayList<>(classifierDepths());
    depths.add(vit.depth());
    Map<Integer, Double> accuracies = new TreeMap<>();
    for (int depth : depths) {
      Optional<PruningPlan> plan =
          new Widths(vit, depth, settings.roundTo()).plan(findings, settings.targetKind(), goal);
      if (plan.isPresent()) {
        Map<String, Tensor> brought = findings.classifiers().getOrDefault(depth, Map.of());
        VitWeights cut = Cut.apply(Uncut.of(weights, plan.get(), brought), plan.get());
        try (VitModel small = VitModel.frozen(images.tensors(), cut)) {
          accuracies.put(
              depth,
              new Evaluator(images.tensors(), engine, Math.max(256, settings.batchSize()))
                  .evaluate(small, images.dataset(), images.dataset().validation())
                  .top1Accuracy());
        }
      }
    }
    return accuracies;
  }

  private Importance importance(Findings findings) {
    List<BlockImportance> blocks = new ArrayList<>();
    for (int l = 0; l < vit.depth(); l++) {
      BlockShape shape = vit.blocks().get(l);
      float[][] scores = findings.scores()[l];
      blocks.add(
          new BlockImportance(
              doubles(scores[Sublayer.QKV.ordinal()]),
              new double[shape.qkWidth()],
              new double[shape.vWidth()],
              doubles(scores[Sublayer.FC1.ordinal()])));
    }
    return new Importance(new double[vit.embedding()], blocks);
  }

  private static double[] doubles(float[] floats) {
    return IntStream.range(0, floats.length).mapToDouble(i -> floats[i]).toArray();
  }

  JointTraining training() {
    return training;
  }

  @Override
  public void close() {
    super.close();
    model.close();
    engine.close();
  }
}
