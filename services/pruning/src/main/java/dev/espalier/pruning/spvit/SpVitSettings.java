package dev.espalier.pruning.spvit;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.datasets.Augmentation;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.training.TrainingRecipe;

/** How a search runs; meanings and defaults are in the method's descriptor. */
record SpVitSettings(
    TargetKind targetKind,
    double keepRatio,
    double gateLearningRate,
    double penalty,
    double temperature,
    boolean strict,
    boolean pretrained,
    int calibrationBatches,
    TrainingRecipe recipe) {

  /** Logit of every gate at the start: p = sigmoid(1.5) = 0.818. */
  static final double GATE_START = 1.5;

  /** Share of the updates in which a gate can fall from its start to one half. */
  private static final double TRAVEL = 0.3;

  static SpVitSettings of(SearchRequest request) {
    SearchRequest.Images images = request.requireImages();
    TrainingRecipe recipe =
        new TrainingRecipe(
            request.integer("epochs"),
            request.integer("batchSize"),
            request.number("learningRate"),
            request.number("weightDecay"),
            0,
            0,
            0,
            0,
            1,
            Augmentation.of(request.text("augmentation")),
            images.precision(),
            images.threads(),
            request.seed());
    double rate = request.number("gateLearningRate");
    double updates = (double) recipe.epochs() * recipe.batches(images.dataset().train().size());
    return new SpVitSettings(
        TargetKind.of(request.text("targetKind")),
        request.number("keepRatio"),
        rate > 0 ? rate : Math.min(0.1, Math.max(1e-3, GATE_START / (TRAVEL * updates))),
        request.number("penalty"),
        request.number("temperature"),
        request.text("gateGradient").equals("strict"),
        request.text("restart").equals("pretrained"),
        request.integer("calibrationBatches"),
        recipe);
  }
}
