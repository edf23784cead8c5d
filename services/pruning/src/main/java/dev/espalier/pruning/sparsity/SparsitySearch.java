package dev.espalier.pruning.sparsity;

import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.datasets.Augmentation;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.training.Evaluation;
import dev.espalier.pruning.training.LearningRate;
import dev.espalier.pruning.training.TrainingCheckpoint;
import dev.espalier.pruning.training.TrainingObserver;
import dev.espalier.pruning.training.TrainingRecipe;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.VitModel;
import java.util.Map;
import java.util.Optional;

/**
 * Trains weights and gates together for a number of epochs at constant rates. What it finds are the
 * gates' values (the findings, a safetensors file), and the weights, into which the gates were
 * folded or not.
 */
public final class SparsitySearch implements Search {

  private final GateSet set;
  private final boolean folds;
  private final VitEngine engine;
  private final VitModel model;
  private final GateTraining gates;
  private final TrainingRun run;

  /** Opens a search from a request with the parameters of {@code SparsityParameters}. */
  public SparsitySearch(SearchRequest request, GateSet set) {
    SearchRequest.Images images = request.requireImages();
    this.set = set;
    this.folds = request.text("softGates").equals("folded");
    this.engine = VitEngine.fast(images.tensors(), images.precision());
    this.model = VitModel.trainable(images.tensors(), request.base());
    this.gates = new GateTraining(set, request.number("gateLearningRate"), model);
    TrainingRun.Builder builder =
        TrainingRun.of(images.tensors(), engine, model, images.dataset(), recipe(request, images))
            .learningRate(LearningRate.constant(request.number("learningRate")))
            .hook(gates)
            .observer(observer(request));
    this.run =
        request
            .checkpoint()
            .map(TrainingCheckpoint::fromBytes)
            .map(builder::resume)
            .orElseGet(builder::start);
  }

  private static TrainingRecipe recipe(SearchRequest request, SearchRequest.Images images) {
    return new TrainingRecipe(
        request.integer("epochs"),
        request.integer("batchSize"),
        request.number("learningRate"),
        request.number("weightDecay"),
        0,
        0,
        request.number("clipNorm"),
        0,
        1,
        Augmentation.of(request.text("augmentation")),
        images.precision(),
        images.threads(),
        request.seed());
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
        request
            .observer()
            .onStep(
                step,
                Map.of(
                    "loss", loss, "gradient_norm", gradientNorm, "images_per_s", imagesPerSecond));
      }

      @Override
      public void onEpoch(int epoch, Evaluation validation) {
        request
            .observer()
            .onStep(
                run.steps(),
                Map.of(
                    "soft_top1_accuracy",
                    validation.top1Accuracy(),
                    "gate_penalty",
                    gates.penalty(),
                    "negative_gates",
                    (double) gates.negative()));
      }
    };
  }

  @Override
  public boolean finished() {
    return run.finished();
  }

  @Override
  public void step() {
    run.step();
  }

  @Override
  public long steps() {
    return run.steps();
  }

  @Override
  public double progress() {
    return (double) run.steps() / run.totalSteps();
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
    Map<String, Tensor> values = gates.values();
    VitWeights weights = model.weights();
    return new Result(
        set.importance(values),
        Optional.of(new Safetensors(Map.of(), values).toBytes()),
        Optional.of(folds ? set.fold(weights, values) : weights));
  }

  /** The training underneath. */
  public TrainingRun run() {
    return run;
  }

  /** The gates. */
  public GateTraining gates() {
    return gates;
  }

  @Override
  public void close() {
    run.close();
    gates.close();
    model.close();
    engine.close();
  }
}
