package dev.espalier.pruning.wdpruning;

import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.artifacts.safetensors.Safetensors;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a search hands to the plan, as a safetensors file: {@code thresholds} (L, 4), {@code
 * scores/L/layer} (n), and for each depth that can be chosen its {@code accuracy/DEPTH} and {@code
 * classifier/DEPTH/..}; the base's own depth needs no classifier.
 *
 * @param betas thresholds, (L, 4) in the order of {@link Sublayer}
 * @param scores of all units, (L, 4, n)
 * @param accuracies validation accuracy in [0, 1] of the model that meets the budget at that depth
 * @param classifiers last norm and head by depth, under the model's own names
 */
record Findings(
    double[][] betas,
    float[][][] scores,
    Map<Integer, Double> accuracies,
    Map<Integer, Map<String, Tensor>> classifiers) {

  byte[] toBytes() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    float[] flat = new float[betas.length * Sublayer.COUNT];
    for (int i = 0; i < flat.length; i++) {
      flat[i] = (float) betas[i / Sublayer.COUNT][i % Sublayer.COUNT];
    }
    tensors.put("thresholds", new Tensor(new int[] {betas.length, Sublayer.COUNT}, flat));
    for (int l = 0; l < scores.length; l++) {
      for (Sublayer layer : Sublayer.values()) {
        float[] values = scores[l][layer.ordinal()];
        tensors.put(name(l, layer), new Tensor(new int[] {values.length}, values));
      }
    }
    accuracies.forEach(
        (depth, accuracy) ->
            tensors.put(
                "accuracy/" + depth, new Tensor(new int[0], new float[] {accuracy.floatValue()})));
    classifiers.forEach(
        (depth, classifier) ->
            classifier.forEach(
                (name, tensor) -> tensors.put("classifier/" + depth + "/" + name, tensor)));
    return new Safetensors(Map.of(), tensors).toBytes();
  }

  /**
   * Reads {@link #toBytes}.
   *
   * @throws IllegalArgumentException where the findings are of another base
   */
  static Findings fromBytes(VitArchitecture base, byte[] bytes) {
    Safetensors file = Safetensors.fromBytes(bytes);
    float[] flat = file.tensor("thresholds").values();
    require(flat.length == base.depth() * Sublayer.COUNT, "thresholds");
    double[][] betas = new double[base.depth()][Sublayer.COUNT];
    float[][][] scores = new float[base.depth()][Sublayer.COUNT][];
    for (int l = 0; l < base.depth(); l++) {
      for (Sublayer layer : Sublayer.values()) {
        int i = layer.ordinal();
        betas[l][i] = flat[l * Sublayer.COUNT + i];
        scores[l][i] = file.tensor(name(l, layer)).values();
        int units = layer.units(base.blocks().get(l), base.embedding());
        require(scores[l][i].length == units, name(l, layer));
      }
    }
    Map<Integer, Double> accuracies = new TreeMap<>();
    Map<Integer, Map<String, Tensor>> classifiers = new TreeMap<>();
    file.tensors()
        .forEach(
            (name, tensor) -> {
              String[] parts = name.split("/", 3);
              if (parts[0].equals("accuracy")) {
                accuracies.put(Integer.valueOf(parts[1]), (double) tensor.values()[0]);
              } else if (parts[0].equals("classifier")) {
                classifiers
                    .computeIfAbsent(Integer.valueOf(parts[1]), depth -> new LinkedHashMap<>())
                    .put(parts[2], tensor);
              }
            });
    return new Findings(betas, scores, accuracies, classifiers);
  }

  private static String name(int l, Sublayer layer) {
    return "scores/%d/%s".formatted(l, layer.name());
  }

  private static void require(boolean fits, String name) {
    if (!fits) {
      throw new IllegalArgumentException("the findings are of another base: " + name);
    }
  }

  /**
   * The shallowest depth whose accuracy is within the tolerance of the best ({@code
   * methods/wdpruning.md} §4).
   *
   * @param accuracies in [0, 1] by depth
   * @param tolerance in points, hundredths
   */
  static int shallowest(Map<Integer, Double> accuracies, double tolerance) {
    double best = accuracies.values().stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    return accuracies.entrySet().stream()
        .filter(entry -> entry.getValue() >= best - tolerance / 100 - 1e-9)
        .mapToInt(Map.Entry::getKey)
        .min()
        .orElseThrow();
  }
}
