package dev.espalier.pruning.surgery;

import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Makes the smaller model of a plan by copying what is kept ({@code methods/README.md} §5; which
 * rows and columns those are says {@link Slicing}).
 *
 * <p>The attention scale stays the base's, it is part of the shape. Heads narrower than the widest
 * of their block are padded: zero queries and keys add nothing to a score, zero values meet zero
 * columns of the projection.
 */
public final class Cut {

  private Cut() {}

  /**
   * The cut model. Its tensors are copies.
   *
   * @param full weights of the plan's base shape, or of its uncut shape where the plan brings in
   *     what the base does not have ({@link Uncut}); trained or not
   */
  public static VitWeights apply(VitWeights full, PruningPlan plan) {
    requireBase(plan, full);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Slice slice : Slicing.of(plan)) {
      tensors.put(slice.to(), slice.cut(full.tensor(slice.from())));
    }
    return new VitWeights(plan.cutArchitecture(), tensors);
  }

  static void requireBase(PruningPlan plan, VitWeights weights) {
    if (!weights.architecture().equals(plan.base())
        && !weights.architecture().equals(plan.uncutArchitecture())) {
      throw new IllegalArgumentException(
          "the plan is for %s but the weights are of %s"
              .formatted(plan.base(), weights.architecture()));
    }
  }
}
