package dev.espalier.pruning.sparsity;

import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.datasets.Augmentation;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.method.TrainedSearch;
import dev.espalier.pruning.training.Evaluation;
import dev.espalier.pruning.training.LearningRate;
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
public final class SparsitySearch extends TrainedSearch {

  private final GateSet set;
  private final boolean folds;
  private final VitEngine engine;
  private final VitModel model;
  private final GateTraining gates;

  /** Opens a search from a request with the parameters of {@code SparsityParameters}. */
  public SparsitySearch(SearchRequest request, GateSet set) {
    SearchRequest.Images images = request.requireImages();
    this.set = set;
    this.folds = request.text("softGates").equals("folded");
    this.engine = VitEngine.fast(images.tensors(), images.precision());
    this.model = VitModel.trainable(images.tensors(), request.base());
    this.gates = new GateTraining(set, request.number("gateLearningRate"), model);
    open(
        request,
        TrainingRun.of(images.tensors(), engine, model, images.dataset(), recipe(request, images))
            .learningRate(LearningRate.constant(request.number("learningRate")))
            .hook(gates));
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

  @Override
  protected Map<String, Double> seen(Evaluation validation) {
    return Map.of(
        "soft_top1_accuracy",
        validation.top1Accuracy(),
        "gate_penalty",
        gates.penalty(),
        "negative_gates",
        (double) gates.negative());
  }

  @Override
  protected Result found() {
    Map<String, Tensor> values = gates.values();
    VitWeights weights = model.weights();
    return new Result(
        set.importance(values),
        Optional.of(new Safetensors(Map.of(), values).toBytes()),
        Optional.of(folds ? set.fold(weights, values) : weights));
  }

  /** The gates. */
  public GateTraining gates() {
    return gates;
  }

  @Override
  public void close() {
    super.close();
    gates.close();
    model.close();
    engine.close();
  }
}
