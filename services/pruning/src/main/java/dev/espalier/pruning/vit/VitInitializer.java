package dev.espalier.pruning.vit;

import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Fresh weights as timm draws them: matrices, tokens and the position table normal with deviation
 * 0.02, truncated at two deviations, biases 0, norms the identity.
 */
public final class VitInitializer {

  private static final double DEVIATION = 0.02;

  private VitInitializer() {}

  /** Weights that depend on the architecture and the seed only. */
  public static VitWeights weights(VitArchitecture architecture, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    ParameterShapes.of(architecture)
        .forEach(
            (name, shape) -> tensors.put(name, new Tensor(shape, values(name, shape, random))));
    return new VitWeights(architecture, tensors);
  }

  private static float[] values(String name, int[] shape, SplittableRandom random) {
    float[] values = new float[Arrays.stream(shape).reduce(1, Math::multiplyExact)];
    if (shape.length > 1) {
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (DEVIATION * truncatedNormal(random));
      }
    } else if (name.contains("norm") && name.endsWith(".weight")) {
      Arrays.fill(values, 1);
    }
    return values;
  }

  private static double truncatedNormal(SplittableRandom random) {
    double value;
    do {
      value = random.nextGaussian();
    } while (Math.abs(value) > 2);
    return value;
  }
}
