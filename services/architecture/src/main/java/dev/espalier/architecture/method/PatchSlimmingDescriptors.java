package dev.espalier.architecture.method;

import static dev.espalier.architecture.method.ParameterPhase.PRUNE;
import static dev.espalier.architecture.method.ParameterPhase.SEARCH;

import dev.espalier.architecture.cost.TargetKind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Patch Slimming and the controls that drop tokens with it, {@code methods/patch-slimming.md}.
 * Numbers of images, epochs and patches per step are the spec's small experiment; the paper steps
 * by 10 of 196 patches.
 */
final class PatchSlimmingDescriptors {

  static final MethodDescriptor PATCH_SLIMMING =
      descriptor(
          "patch-slimming",
          "Patch Slimming: tokens by block from the last to the first, by their effect on the output",
          "Tang et al., Patch Slimming for Efficient Vision Transformers, CVPR 2022,"
              + " arXiv 2106.02852",
          ParameterDescriptor.choice(
              "attention",
              SEARCH,
              "paths",
              List.of("paths", "averaged"),
              "How heads enter the score: squared path by path, or averaged first, which is"
                  + " cheaper and not the paper's."));

  static final MethodDescriptor RANDOM_TOKENS =
      descriptor("random-tokens", "As many random tokens as Patch Slimming keeps (control)", "");

  static final MethodDescriptor CLS_ATTENTION =
      descriptor(
          "cls-attention",
          "The tokens that the class token attends to most, as many as Patch Slimming keeps"
              + " (control)",
          "");

  static final MethodDescriptor STATIC_TOP_K =
      descriptor(
          "static-top-k",
          "The tokens of the largest mean norm, as many as Patch Slimming keeps (control)",
          "");

  private PatchSlimmingDescriptors() {}

  private static MethodDescriptor descriptor(
      String name, String title, String paper, ParameterDescriptor... own) {
    List<ParameterDescriptor> parameters =
        new ArrayList<>(
            List.of(
                ParameterDescriptor.integer(
                    "images",
                    SEARCH,
                    512,
                    1,
                    1_000_000,
                    "Training images, drawn by the seed, for scores, errors and reconstruction."),
                ParameterDescriptor.integer(
                    "step", SEARCH, 4, 1, 1_024, "The paper's r': patches added at a time."),
                ParameterDescriptor.choice(
                    "allocation",
                    SEARCH,
                    "budget",
                    List.of("budget", "tolerance"),
                    "What says how many tokens a block lets out: one error for all blocks at which"
                        + " the target is met, or as in the paper the error that tolerance allows."),
                ParameterDescriptor.number(
                    "tolerance",
                    SEARCH,
                    0.01,
                    0,
                    1_000,
                    "The paper's epsilon; read where allocation is tolerance."),
                ParameterDescriptor.choice(
                    "error",
                    SEARCH,
                    "relative",
                    List.of("relative", "absolute"),
                    "Mean squared error of features, over their mean square or as it is."),
                ParameterDescriptor.integer(
                    "epochs",
                    SEARCH,
                    3,
                    0,
                    1_000,
                    "Passes over the images that reconstruct a block for one candidate."),
                ParameterDescriptor.choice(
                    "candidateWeights",
                    SEARCH,
                    "cumulative",
                    List.of("cumulative", "reset"),
                    "Where a block starts for its next candidate: as trained so far, or anew."),
                ParameterDescriptor.integer(
                    "batchSize", SEARCH, 64, 1, 65_536, "Images per batch."),
                ParameterDescriptor.number(
                    "learningRate", SEARCH, 1e-4, 1e-9, 1, "Constant rate of a block's weights."),
                ParameterDescriptor.number(
                    "clipNorm", SEARCH, 1.0, 0, 1_000, "Bound on the gradient norm; 0: none."),
                ParameterDescriptor.integer(
                    "alignment",
                    PRUNE,
                    1,
                    1,
                    256,
                    "Kept patches of a block are a multiple of it, or all.")));
    parameters.addAll(List.of(own));
    return new MethodDescriptor(
        name,
        1,
        title,
        paper,
        SearchKind.PER_TARGET,
        Set.of(SearchOutput.FINDINGS, SearchOutput.WEIGHTS),
        true,
        true,
        Set.of(UnitKind.TOKEN),
        Set.of(TargetKind.MACS),
        parameters);
  }
}
