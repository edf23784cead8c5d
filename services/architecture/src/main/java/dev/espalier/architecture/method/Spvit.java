package dev.espalier.architecture.method;

import static dev.espalier.architecture.method.ParameterPhase.PRUNE;
import static dev.espalier.architecture.method.ParameterPhase.SEARCH;

import dev.espalier.architecture.cost.TargetKind;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * SPViT, {@code methods/spvit.md}. Defaults are the authors' where ten epochs on ImageNet and a few
 * on a small set can share them: the penalty is relative to the base's cost (§4), and the gates'
 * rate follows from the number of updates.
 */
final class Spvit {

  static final MethodDescriptor DESCRIPTOR =
      new MethodDescriptor(
          "spvit",
          1,
          "SPViT: attention becomes a convolution of its own weights where gates say so",
          "He et al., Pruning Self-attentions into Convolutional Layers in Single Path, TPAMI 2024,"
              + " arXiv 2111.11802",
          SearchKind.PER_TARGET,
          Set.of(SearchOutput.FINDINGS, SearchOutput.WEIGHTS, SearchOutput.TENSORS),
          true,
          true,
          EnumSet.of(UnitKind.ATTENTION, UnitKind.MLP),
          TargetKind.COUNTED,
          List.of(
              ParameterDescriptor.integer(
                  "epochs",
                  SEARCH,
                  3,
                  1,
                  10_000,
                  "Passes over the training images; the paper has 10 to 15."),
              ParameterDescriptor.integer(
                  "batchSize", SEARCH, 64, 1, 65_536, "Images per training batch."),
              ParameterDescriptor.number(
                  "learningRate",
                  SEARCH,
                  1e-4,
                  1e-12,
                  1,
                  "Constant rate of weights, mixing and batch norms."),
              ParameterDescriptor.number(
                  "gateLearningRate",
                  SEARCH,
                  0,
                  0,
                  10,
                  "Constant rate of the gates; 0: a gate can reach one half in 30 % of the updates,"
                      + " at least 0.001, the paper's."),
              ParameterDescriptor.number(
                  "weightDecay", SEARCH, 0.05, 0, 1, "AdamW's decoupled decay of weight matrices."),
              ParameterDescriptor.number(
                  "penalty",
                  SEARCH,
                  20,
                  0,
                  1e6,
                  "Coefficient of the squared distance of the cost to the target, both as shares of"
                      + " the base's."),
              ParameterDescriptor.number(
                  "temperature", SEARCH, 1, 0.01, 100, "Of the gates' samples."),
              ParameterDescriptor.choice(
                  "gateGradient",
                  SEARCH,
                  "code",
                  List.of("code", "strict"),
                  "Whether all gates of an operator learn, as in the code, or the last one only."),
              ParameterDescriptor.choice(
                  "augmentation",
                  SEARCH,
                  "none",
                  List.of("none", "crop-flip"),
                  "What is done to training images."),
              ParameterDescriptor.choice(
                  "restart",
                  SEARCH,
                  "pretrained",
                  List.of("pretrained", "searched"),
                  "Weights that recovery starts from: the base's, as in the paper, or the"
                      + " search's."),
              ParameterDescriptor.integer(
                  "calibrationBatches",
                  SEARCH,
                  50,
                  0,
                  100_000,
                  "Training batches from which batch norms of the chosen operators take their"
                      + " statistics; 0: the search's running ones."),
              ParameterDescriptor.integer(
                  "alignment",
                  PRUNE,
                  8,
                  1,
                  256,
                  "Kept hidden widths are multiples of it, or the base's whole width.")));

  private Spvit() {}
}
