package dev.espalier.pruning.engine;

/**
 * Constants of {@link AdamW}.
 *
 * @param beta1 decay of the mean of gradients
 * @param beta2 decay of the mean of squared gradients
 * @param epsilon added to the root of the latter
 * @param weightDecay decoupled decay of weight matrices
 * @param decayAll true also decays biases, norms, tokens and the position table, which are spared
 *     otherwise
 */
public record AdamWSettings(
    double beta1, double beta2, double epsilon, double weightDecay, boolean decayAll) {

  /** The usual constants; vectors and tables are not decayed. */
  public static AdamWSettings withDecay(double weightDecay) {
    return new AdamWSettings(0.9, 0.999, 1e-8, weightDecay, false);
  }

  /** Whether the parameter of that name and rank is decayed: matrices and kernels are. */
  public boolean decays(String name, int rank) {
    return decayAll || (rank > 1 && name.endsWith(".weight"));
  }
}
