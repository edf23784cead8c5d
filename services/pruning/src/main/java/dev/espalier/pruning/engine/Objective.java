package dev.espalier.pruning.engine;

/**
 * The loss of one batch of B images: {@code CE(labels, smoothing) + w * KL}, with {@code KL = 1/B
 * sum softmax(teacher / T) (log softmax(teacher / T) - log softmax(student / T))}. There is no
 * factor T^2, as in NViT's code.
 *
 * @param labelSmoothing share of the target spread evenly over all classes, in [0, 1)
 * @param distillationWeight w of the divergence from the teacher, at least 0; 0 leaves it out
 * @param distillationTemperature T, above 0
 */
public record Objective(
    double labelSmoothing, double distillationWeight, double distillationTemperature) {

  /** Plain cross entropy. */
  public static final Objective CROSS_ENTROPY = new Objective(0, 0, 1);

  public Objective {
    require(labelSmoothing >= 0 && labelSmoothing < 1, "label smoothing in [0, 1)", labelSmoothing);
    require(distillationWeight >= 0, "distillation weight of at least 0", distillationWeight);
    require(distillationTemperature > 0, "temperature above 0", distillationTemperature);
  }

  private static void require(boolean holds, String expected, double found) {
    if (!holds) {
      throw new IllegalArgumentException("expected " + expected + " but found " + found);
    }
  }

  public boolean distils() {
    return distillationWeight > 0;
  }

  /** The same objective with another weight of the teacher. */
  public Objective withDistillationWeight(double weight) {
    return new Objective(labelSmoothing, weight, distillationTemperature);
  }
}
