package dev.espalier.pruning.surgery;

import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.VitWeights;

/**
 * Weights for a plan that keeps other units than those that were trained, as after redistribution:
 * what was kept before comes from the trained weights, what is new comes from the base.
 */
public final class Transplant {

  private Transplant() {}

  /**
   * The full-size model to cut: a weight comes from {@code trained} where {@code prunedPlan} keeps
   * both its row and its column, from {@code base} otherwise.
   *
   * @param trained weights of the base's shape, trained under {@code prunedPlan}
   */
  public static VitWeights merge(VitWeights base, VitWeights trained, PruningPlan prunedPlan) {
    throw new UnsupportedOperationException("soon");
  }
}
