package dev.espalier.pruning.nvit;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.BlockImportance;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.method.Pool;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.surgery.Transplant;
import dev.espalier.pruning.training.LearningRate;
import dev.espalier.pruning.training.TrainingCheckpoint;
import dev.espalier.pruning.training.TrainingObserver;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One link of the chain: trains and prunes from where the trajectory stands until the model costs
 * no more than {@code keepRatioTo} of the base, or the next chunk would take it well below.
 */
final class NvitSearch implements Search {

  private final VitWeights base;
  private final NvitSettings settings;
  private final VitEngine engine;
  private final VitModel model;
  private final VitModel teacher;
  private final NvitPruning pruning;
  private final TrainingRun run;
  private final long firstStep;

  NvitSearch(SearchRequest request) {
    SearchRequest.Images images = request.requireImages();
    this.base = request.base();
    this.settings = NvitSettings.of(request);
    Optional<TrainingCheckpoint> trajectory =
        request.trajectory().map(bytes -> Trajectory.read(base.architecture(), bytes).checkpoint());
    Optional<TrainingCheckpoint> checkpoint =
        request.checkpoint().map(bytes -> Trajectory.read(base.architecture(), bytes).checkpoint());
    this.engine = VitEngine.fast(images.tensors(), images.precision());
    this.model = VitModel.trainable(images.tensors(), base);
    this.teacher = VitModel.frozen(images.tensors(), base);
    this.pruning = new NvitPruning(settings, model);
    TrainingRun.Builder builder =
        TrainingRun.of(
                images.tensors(),
                engine,
                model,
                images.dataset(),
                settings.recipe(images, request.seed()))
            .teacher(teacher)
            .learningRate(LearningRate.constant(settings.learningRate()))
            .hook(pruning)
            .observer(observer(request));
    this.run = checkpoint.or(() -> trajectory).map(builder::resume).orElseGet(builder::start);
    this.firstStep = trajectory.map(TrainingCheckpoint::step).orElse(0L);
    if (checkpoint.isEmpty()) {
      pruning.beginLink();
    }
  }

  private TrainingObserver observer(SearchRequest request) {
    return new TrainingObserver() {
      @Override
      public void onStep(
          long step,
          long totalSteps,
          double loss,
          double learningRate,
          double gradientNorm,
          double imagesPerSecond) {
        Map<String, Double> values = new TreeMap<>();
        values.put("loss", loss);
        values.put("gradient_norm", gradientNorm);
        values.put("images_per_s", imagesPerSecond);
        Cost cost = pruning.units().cost();
        Cost whole = Cost.of(base.architecture());
        for (TargetKind kind : TargetKind.COUNTED) {
          values.put(kind.text() + "_keep_ratio", cost.keepRatio(whole, kind));
        }
        request
            .latency()
            .ifPresent(
                table ->
                    values.put(
                        "latency_keep_ratio",
                        table.keepRatio(pruning.units().shape(), base.architecture())));
        request.observer().onStep(step - firstStep, values);
      }
    };
  }

  @Override
  public boolean finished() {
    return pruning.finished();
  }

  @Override
  public void step() {
    run.step();
  }

  @Override
  public long steps() {
    return run.steps() - firstStep;
  }

  @Override
  public double progress() {
    double length = settings.keepRatioFrom() - settings.keepRatioTo();
    double gone = settings.keepRatioFrom() - pruning.keepRatio();
    return finished() ? 1 : Math.min(1, Math.max(0, length <= 0 ? 0 : gone / length));
  }

  @Override
  public byte[] checkpoint() {
    return run.checkpoint().toBytes();
  }

  @Override
  public Result result() {
    if (!finished()) {
      throw new IllegalStateException("the search is not finished");
    }
    VitWeights weights = Transplant.merge(base, model.weights(), pruning.units().plan());
    return new Result(importance(), Optional.of(checkpoint()), Optional.of(weights));
  }

  private Importance importance() {
    VitArchitecture vit = base.architecture();
    List<BlockImportance> blocks = new ArrayList<>();
    for (int l = 0; l < vit.depth(); l++) {
      blocks.add(
          new BlockImportance(
              latest(UnitKind.HEAD, l),
              latest(UnitKind.QK, l),
              latest(UnitKind.V, l),
              latest(UnitKind.MLP, l)));
    }
    return new Importance(latest(UnitKind.EMBEDDING, Pool.EVERYWHERE), blocks);
  }

  private double[] latest(UnitKind kind, int block) {
    Pool pool = new Pool(kind, block);
    double[] latest = new double[pool.width(base.architecture())];
    if (pruning.units().pools().contains(pool)) {
      float[] scores = pruning.scores().latest(pool);
      for (int i = 0; i < latest.length; i++) {
        latest[i] = scores[i];
      }
    }
    return latest;
  }

  /** What each pruning step since this search was opened removed. */
  NvitPruning pruning() {
    return pruning;
  }

  TrainingRun run() {
    return run;
  }

  @Override
  public void close() {
    run.close();
    pruning.close();
    teacher.close();
    model.close();
    engine.close();
  }
}
