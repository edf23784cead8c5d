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

  /** Whether the parameter of that timm name and rank is decayed. */
  public boolean decays(String name, int rank) {
    boolean table =
        name.equals("cls_token") || name.equals("dist_token") || name.equals("pos_embed");
    return decayAll || (rank > 1 && !table);
  }
}
