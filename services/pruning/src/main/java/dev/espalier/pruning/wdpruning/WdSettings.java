package dev.espalier.pruning.wdpruning;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.datasets.Augmentation;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.training.TrainingRecipe;

/** How a search runs; meanings and defaults are in the method's descriptor. */
record WdSettings(
    TargetKind targetKind,
    double keepRatio,
    int epochs,
    int batchSize,
    double learningRate,
    double weightDecay,
    Augmentation augmentation,
    double prunerLearningRate,
    double thresholdStart,
    double multiplierRate,
    boolean adamMultipliers,
    int roundTo,
    int classifiers,
    double classifierWeight) {

  static WdSettings of(SearchRequest request) {
    return new WdSettings(
        TargetKind.of(request.text("targetKind")),
        request.number("keepRatio"),
        request.integer("epochs"),
        request.integer("batchSize"),
        request.number("learningRate"),
        request.number("weightDecay"),
        Augmentation.of(request.text("augmentation")),
        request.number("prunerLearningRate"),
        request.number("thresholdStart"),
        request.number("multiplierRate"),
        request.text("multiplierStep").equals("adam"),
        request.integer("roundTo"),
        request.integer("classifiers"),
        request.number("classifierWeight"));
  }

  /** The training underneath: no warm-up, no clipping, as the authors train. */
  TrainingRecipe recipe(SearchRequest.Images images, long seed) {
    return new TrainingRecipe(
        epochs,
        batchSize,
        learningRate,
        weightDecay,
        0,
        0,
        0,
        0,
        1,
        augmentation,
        images.precision(),
        images.threads(),
        seed);
  }
}
