package dev.espalier.pruning.surgery;

import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Weights for a plan that keeps other units than those that were trained, as after redistribution:
 * what was kept before comes from the trained weights, what is new comes from the base.
 */
public final class Transplant {

  private Transplant() {}

  /**
   * The full-size model to {@link Cut}: a weight comes from {@code trained} where {@code
   * prunedPlan} keeps both its row and its column, from {@code base} otherwise.
   *
   * @param trained full-size weights trained under {@code prunedPlan}
   */
  public static VitWeights merge(VitWeights base, VitWeights trained, PruningPlan prunedPlan) {
    Cut.requireBase(prunedPlan, base);
    Cut.requireBase(prunedPlan, trained);
    Map<String, WeightMask> masks = masks(prunedPlan);
    Map<String, Tensor> merged = new LinkedHashMap<>();
    base.tensors()
        .forEach(
            (name, tensor) ->
                merged.put(name, masks.get(name).merge(trained.tensor(name), tensor)));
    return new VitWeights(base.architecture(), merged);
  }

  /** The weights with zeros where the plan keeps nothing. */
  public static VitWeights masked(VitWeights full, PruningPlan plan) {
    Cut.requireBase(plan, full);
    Map<String, WeightMask> masks = masks(plan);
    Map<String, Tensor> masked = new LinkedHashMap<>();
    full.tensors().forEach((name, tensor) -> masked.put(name, masks.get(name).merge(tensor, null)));
    return new VitWeights(full.architecture(), masked);
  }

  private static Map<String, WeightMask> masks(PruningPlan plan) {
    return WeightMask.of(plan, ParameterShapes.of(plan.base()));
  }
}
