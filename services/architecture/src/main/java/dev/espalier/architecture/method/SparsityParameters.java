package dev.espalier.architecture.method;

import static dev.espalier.architecture.method.ParameterPhase.PRUNE;
import static dev.espalier.architecture.method.ParameterPhase.SEARCH;

import java.util.ArrayList;
import java.util.List;

/** Parameters of methods that train gates under an L1 penalty beside the weights. */
final class SparsityParameters {

  private SparsityParameters() {}

  /** How weights and gates are trained together. */
  static List<ParameterDescriptor> search(
      long epochs, double learningRate, double weightDecay, double gateLearningRate) {
    return List.of(
        ParameterDescriptor.integer(
            "epochs", SEARCH, epochs, 1, 1_000, "Passes over the training images."),
        ParameterDescriptor.integer(
            "batchSize", SEARCH, 64, 1, 65_536, "Images per training batch."),
        ParameterDescriptor.number(
            "learningRate",
            SEARCH,
            learningRate,
            1e-9,
            1,
            "Constant learning rate of the weights."),
        ParameterDescriptor.number(
            "gateLearningRate",
            SEARCH,
            gateLearningRate,
            1e-9,
            1,
            "Constant learning rate of the gates, which are never decayed."),
        ParameterDescriptor.number(
            "weightDecay", SEARCH, weightDecay, 0, 1, "AdamW's decoupled weight decay."),
        ParameterDescriptor.number(
            "clipNorm", SEARCH, 0, 0, 1_000, "Bound on the global gradient norm; 0: none."),
        ParameterDescriptor.choice(
            "augmentation",
            SEARCH,
            "none",
            List.of("none", "crop-flip"),
            "What is done to training images."),
        ParameterDescriptor.choice(
            "softGates",
            SEARCH,
            "folded",
            List.of("folded", "binarised"),
            "What becomes of surviving gates: multiplied into the weights, or set to 1."));
  }

  /** How heads may differ in width. */
  static ParameterDescriptor heads() {
    return ParameterDescriptor.choice(
        "heads",
        PRUNE,
        "aligned",
        List.of("aligned", "ragged"),
        "Aligned: the heads of a block keep equally many channels, each its best; ragged: as ranked,"
            + " executed padded to the widest.");
  }

  static ParameterDescriptor alignment() {
    return ParameterDescriptor.integer(
        "alignment",
        PRUNE,
        8,
        1,
        256,
        "Kept widths are multiples of it, or the base's whole width; narrower than the floors it"
            + " yields.");
  }

  /** Search parameters, then others. */
  static List<ParameterDescriptor> all(
      List<ParameterDescriptor> search, ParameterDescriptor... others) {
    List<ParameterDescriptor> all = new ArrayList<>(search);
    all.addAll(List.of(others));
    return all;
  }
}
