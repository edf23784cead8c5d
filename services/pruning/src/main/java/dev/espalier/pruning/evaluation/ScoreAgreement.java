package dev.espalier.pruning.evaluation;

import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;

/**
 * How far two computations of the same class scores are apart.
 *
 * @param images that were compared
 * @param differing of those, with a class score further apart than {@link #TOLERANCE}
 * @param maxAbsDifference largest difference of a class score; not a number where a score is not
 */
public record ScoreAgreement(int images, int differing, double maxAbsDifference) {

  /** Largest difference of a class score that rounding may make, {@code methods/README.md} §5. */
  public static final double TOLERANCE = 1e-4;

  /**
   * Share of images whose selected tokens may differ: where the odds of two patches agree to
   * rounding, two ways to compute them may keep either.
   */
  private static final double SELECTING_TOLERANCE = 1.0 / 32;

  /** Of no image yet. */
  public static final ScoreAgreement NONE = new ScoreAgreement(0, 0, 0);

  /** This one and a batch more, with scores (B, classes) row by row. */
  public ScoreAgreement and(int batch, float[] some, float[] others) {
    if (some.length != others.length || some.length % batch != 0) {
      throw new IllegalArgumentException(
          "expected the scores of %d images twice but found %d and %d numbers"
              .formatted(batch, some.length, others.length));
    }
    int classes = some.length / batch;
    double largest = maxAbsDifference;
    int far = differing;
    for (int i = 0; i < batch; i++) {
      double own = 0;
      for (int c = i * classes; c < (i + 1) * classes; c++) {
        // Math.max keeps NaN.
        own = Math.max(own, Math.abs((double) some[c] - others[c]));
      }
      far += own <= TOLERANCE ? 0 : 1;
      largest = Math.max(largest, own);
    }
    return new ScoreAgreement(images + batch, far, largest);
  }

  /** Whether both compute the same, for a model of that shape. */
  public boolean holdsFor(VitArchitecture vit) {
    boolean selects =
        vit.blocks().stream().anyMatch(block -> block.tokens() instanceof TokenRule.Select);
    return differing <= (selects ? images * SELECTING_TOLERANCE : 0);
  }

  /** For a message: how much, and where. */
  @Override
  public String toString() {
    return "%s on %d of %d images".formatted(maxAbsDifference, differing, images);
  }
}
