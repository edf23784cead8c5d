package dev.espalier.pruning.spvit;

import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.artifacts.safetensors.Safetensors;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a search hands to the plan, as a safetensors file: {@code gates/L/operator} (3) and {@code
 * gates/L/hidden} (M), and both convolutions of every block as {@code conv1/NAME}, {@code
 * conv3/NAME} under the names of the cut model's tensors.
 *
 * @param operator probabilities of each block's three gates, (L, 3)
 * @param hidden probabilities of each block's hidden units, (L, M)
 * @param convolutions tensors by kind and name
 */
record Findings(float[][] operator, float[][] hidden, Map<String, Tensor> convolutions) {

  byte[] toBytes() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (int l = 0; l < operator.length; l++) {
      tensors.put("gates/" + l + "/operator", vector(operator[l]));
      tensors.put("gates/" + l + "/hidden", vector(hidden[l]));
    }
    tensors.putAll(convolutions);
    return new Safetensors(Map.of(), tensors).toBytes();
  }

  private static Tensor vector(float[] values) {
    return new Tensor(new int[] {values.length}, values);
  }

  /**
   * Reads {@link #toBytes}.
   *
   * @throws IllegalArgumentException where the findings are of another base
   */
  static Findings fromBytes(VitArchitecture base, byte[] bytes) {
    Safetensors file = Safetensors.fromBytes(bytes);
    float[][] operator = new float[base.depth()][];
    float[][] hidden = new float[base.depth()][];
    for (int l = 0; l < base.depth(); l++) {
      operator[l] = gates(file, "gates/" + l + "/operator", 3);
      hidden[l] = gates(file, "gates/" + l + "/hidden", base.blocks().get(l).mlpHidden());
    }
    Map<String, Tensor> convolutions = new LinkedHashMap<>();
    file.tensors()
        .forEach(
            (name, tensor) -> {
              if (name.startsWith("conv")) {
                convolutions.put(name, tensor);
              }
            });
    return new Findings(operator, hidden, convolutions);
  }

  private static float[] gates(Safetensors file, String name, int expected) {
    Tensor tensor = file.tensors().get(name);
    if (tensor == null || tensor.values().length != expected) {
      throw new IllegalArgumentException(
          "findings need %d gates of %s but have %s"
              .formatted(expected, name, tensor == null ? "none" : tensor));
    }
    return tensor.values();
  }
}
