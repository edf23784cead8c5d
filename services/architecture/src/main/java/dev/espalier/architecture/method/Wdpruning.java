package dev.espalier.architecture.method;

import static dev.espalier.architecture.method.ParameterPhase.PRUNE;
import static dev.espalier.architecture.method.ParameterPhase.SEARCH;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * WDPruning, {@code methods/wdpruning.md}. Defaults are the authors' where a run of 100 epochs on
 * ImageNet and one of a few epochs can share them: thresholds start at 6, not 10, and the rate of
 * scores and thresholds follows from the number of updates, so that the budget is reached at all
 * (§3); counts are rounded to 8, not 16 (§10).
 */
final class Wdpruning {

  /** What thresholds narrow. */
  private static final Set<UnitKind> LAYERS =
      EnumSet.of(UnitKind.HEAD, UnitKind.MLP, UnitKind.ATTENTION_OUTPUT, UnitKind.MLP_OUTPUT);

  static final MethodDescriptor DESCRIPTOR =
      new MethodDescriptor(
          "wdpruning",
          1,
          "WDPruning: learnt scores and thresholds for width, classifiers behind blocks for depth",
          "Yu et al., Width & Depth Pruning for Vision Transformers, AAAI 2022",
          SearchKind.PER_TARGET,
          Set.of(SearchOutput.FINDINGS, SearchOutput.WEIGHTS, SearchOutput.TENSORS),
          true,
          true,
          EnumSet.of(
              UnitKind.HEAD,
              UnitKind.MLP,
              UnitKind.ATTENTION_OUTPUT,
              UnitKind.MLP_OUTPUT,
              UnitKind.BLOCK),
          TargetKind.COUNTED,
          List.of(
              ParameterDescriptor.integer(
                  "epochs",
                  SEARCH,
                  3,
                  1,
                  10_000,
                  "Passes over the training images; the paper has 100."),
              ParameterDescriptor.integer(
                  "batchSize", SEARCH, 64, 1, 65_536, "Images per training batch."),
              ParameterDescriptor.number(
                  "learningRate",
                  SEARCH,
                  1e-4,
                  1e-12,
                  1,
                  "Highest rate of weights and classifiers; cosine, no warm-up."),
              ParameterDescriptor.number(
                  "weightDecay", SEARCH, 0.05, 0, 1, "AdamW's decoupled decay of matrices."),
              ParameterDescriptor.choice(
                  "augmentation",
                  SEARCH,
                  "none",
                  List.of("none", "crop-flip"),
                  "What is done to training images."),
              ParameterDescriptor.number(
                  "prunerLearningRate",
                  SEARCH,
                  0,
                  0,
                  10,
                  "Highest rate of scores and thresholds; 0: thresholds can reach the target in"
                      + " 30 % of the updates. The code has 0.0025."),
              ParameterDescriptor.number(
                  "thresholdStart",
                  SEARCH,
                  6,
                  -10,
                  20,
                  "First threshold beta of every layer, which keeps the share sigmoid(beta); the"
                      + " paper has 10."),
              ParameterDescriptor.number(
                  "multiplierRate",
                  SEARCH,
                  10,
                  0,
                  1e6,
                  "Rate of the gradient ascent on both Lagrange multipliers."),
              ParameterDescriptor.choice(
                  "multiplierStep",
                  SEARCH,
                  "adam",
                  List.of("adam", "plain"),
                  "Ascent normalised by Adam, as in the code, or plain."),
              ParameterDescriptor.integer(
                  "roundTo",
                  SEARCH,
                  8,
                  1,
                  256,
                  "Kept rows and hidden units are multiples of it while training, where the layer's"
                      + " are; the code has 16."),
              ParameterDescriptor.integer(
                  "classifiers",
                  SEARCH,
                  2,
                  0,
                  1_000,
                  "Classifiers of their own behind that many blocks before the last; 0: width"
                      + " alone, any number above the depth: all blocks."),
              ParameterDescriptor.number(
                  "classifierWeight",
                  SEARCH,
                  1,
                  0,
                  1_000,
                  "Weight of each such classifier's cross entropy."),
              ParameterDescriptor.number(
                  "tolerance",
                  PRUNE,
                  0.5,
                  0,
                  100,
                  "The shallowest model is taken whose validation accuracy is at most that many"
                      + " points below the best's."),
              ParameterDescriptor.integer(
                  "alignment",
                  PRUNE,
                  8,
                  1,
                  256,
                  "Kept widths are multiples of it, or the base's whole width.")),
          false,
          Wdpruning::smallest);

  private Wdpruning() {}

  /**
   * The shallowest depth that has a classifier, with all layers at their floors; the search rounds
   * widths in one way and the plan in another, so it is the dearer of the two.
   */
  private static VitArchitecture smallest(VitArchitecture base, Map<String, Object> given) {
    int depth = Math.max(1, base.depth() - MethodDescriptor.integer(given, "classifiers"));
    VitArchitecture shallow = base.withWidths(base.embedding(), base.blocks().subList(0, depth));
    return Stream.of("roundTo", "alignment")
        .map(step -> Floors.smallest(shallow, LAYERS, MethodDescriptor.integer(given, step)))
        .max(Comparator.comparingLong(shape -> Cost.of(shape).macs()))
        .orElseThrow();
  }
}
