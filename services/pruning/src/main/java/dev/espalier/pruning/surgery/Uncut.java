package dev.espalier.pruning.surgery;

import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The full-size model of a plan that is more than a choice of the base's weights: with token rules,
 * predictors, convolutions in place of attention, or another classifier. {@link Cut} makes it
 * small; under 0/1 gates it computes what the cut model computes.
 */
public final class Uncut {

  private Uncut() {}

  /**
   * Base weights in the plan's uncut shape.
   *
   * @param brought tensors that a search found, by name; they go before the base's of that name
   * @throws IllegalArgumentException naming a tensor that neither has, or of the wrong shape
   */
  public static VitWeights of(VitWeights base, PruningPlan plan, Map<String, Tensor> brought) {
    Cut.requireBase(plan, base);
    VitArchitecture uncut = plan.uncutArchitecture();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    ParameterShapes.of(uncut)
        .forEach(
            (name, shape) -> {
              Tensor tensor = brought.containsKey(name) ? brought.get(name) : base.tensor(name);
              if (!Arrays.equals(tensor.shape(), shape)) {
                throw new IllegalArgumentException(
                    "%s must be %s but is %s"
                        .formatted(name, Arrays.toString(shape), Arrays.toString(tensor.shape())));
              }
              tensors.put(name, tensor);
            });
    return new VitWeights(uncut, tensors);
  }
}
