package dev.espalier.pruning.patchslimming;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.method.SearchRequest;

/** How one search goes; meanings and defaults are in the method's descriptor. */
record PatchSlimmingSettings(
    double keepRatio,
    int images,
    int step,
    boolean toTolerance,
    double tolerance,
    boolean relative,
    int epochs,
    boolean resets,
    int batchSize,
    double learningRate,
    double clipNorm,
    Criterion criterion,
    long seed) {

  /** What ranks tokens. */
  enum Criterion {
    /** The paper's score. */
    PATHS,
    /** The same with heads averaged first. */
    AVERAGED,
    /** Controls. */
    RANDOM,
    CLS_ATTENTION,
    NORM
  }

  /**
   * Reads a request.
   *
   * @param control what ranks tokens; null for the method itself, which says so in a parameter
   */
  static PatchSlimmingSettings of(SearchRequest request, Criterion control) {
    if (TargetKind.of(request.text("targetKind")) != TargetKind.MACS) {
      throw new IllegalArgumentException(
          "dropping tokens removes no parameters: targetKind must be macs but is "
              + request.text("targetKind"));
    }
    Criterion criterion = control;
    if (control == null) {
      criterion =
          request.text("attention").equals("averaged") ? Criterion.AVERAGED : Criterion.PATHS;
    }
    return new PatchSlimmingSettings(
        request.number("keepRatio"),
        request.integer("images"),
        request.integer("step"),
        request.text("allocation").equals("tolerance"),
        request.number("tolerance"),
        request.text("error").equals("relative"),
        request.integer("epochs"),
        request.text("candidateWeights").equals("reset"),
        request.integer("batchSize"),
        request.number("learningRate"),
        request.number("clipNorm"),
        criterion,
        request.seed());
  }

  /**
   * Checks that a base can be slimmed.
   *
   * @throws IllegalArgumentException naming the block that drops tokens already or does not attend
   */
  static void requireFits(VitArchitecture base) {
    if (base.depth() < 2) {
      throw new IllegalArgumentException(
          "the base must have at least 2 blocks but has " + base.depth());
    }
    for (int l = 0; l < base.depth(); l++) {
      BlockShape shape = base.blocks().get(l);
      if (shape.attention() != AttentionKind.MSA) {
        throw new IllegalArgumentException(
            "block %d must have attention but has %s".formatted(l, shape.attention().text()));
      }
      if (!shape.tokens().equals(TokenRule.ALL)) {
        throw new IllegalArgumentException(
            "block %d must let out all tokens but has %s".formatted(l, shape.tokens()));
      }
    }
  }
}
