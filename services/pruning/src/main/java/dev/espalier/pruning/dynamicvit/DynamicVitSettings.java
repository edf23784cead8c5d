package dev.espalier.pruning.dynamicvit;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.datasets.Augmentation;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.training.TrainingRecipe;

/** How one search trains; meanings and defaults are in the method's descriptor. */
record DynamicVitSettings(
    TargetKind targetKind,
    double keepRatio,
    int stages,
    int frozenEpochs,
    double backboneShare,
    Losses.Weights weights,
    TrainingRecipe recipe) {

  static DynamicVitSettings of(SearchRequest request) {
    SearchRequest.Images images = request.requireImages();
    int epochs = request.integer("epochs");
    TrainingRecipe recipe =
        new TrainingRecipe(
            epochs,
            request.integer("batchSize"),
            request.number("learningRate"),
            request.number("weightDecay"),
            Math.min(epochs, request.number("warmupEpochs")),
            0,
            request.number("clipNorm"),
            0,
            1,
            Augmentation.of(request.text("augmentation")),
            images.precision(),
            images.threads(),
            request.seed());
    return new DynamicVitSettings(
        TargetKind.of(request.text("targetKind")),
        request.number("keepRatio"),
        request.integer("stages"),
        request.integer("frozenEpochs"),
        request.number("backboneShare"),
        new Losses.Weights(
            request.number("klWeight"),
            request.number("distillationWeight"),
            request.number("ratioWeight")),
        recipe);
  }
}
