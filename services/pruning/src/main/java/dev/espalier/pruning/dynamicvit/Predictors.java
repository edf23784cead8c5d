package dev.espalier.pruning.dynamicvit;

import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.safetensors.Safetensors;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The predictors' tensors by name: the findings of a search, a safetensors file with the keep rate
 * in its metadata.
 */
record Predictors(Map<String, Tensor> tensors) {

  private static final String PART = ".predictor.";

  /** Those of a model's weights. */
  static Predictors of(VitWeights weights) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    weights
        .tensors()
        .forEach(
            (name, tensor) -> {
              if (name.contains(PART)) {
                tensors.put(name, tensor);
              }
            });
    return new Predictors(tensors);
  }

  /** Reads findings. */
  static Predictors read(byte[] findings) {
    return new Predictors(Safetensors.fromBytes(findings).tensors());
  }

  byte[] write(Stages stages) {
    return new Safetensors(
            Map.of("espalier.dynamicvit.rho", Double.toString(stages.rho())), tensors)
        .toBytes();
  }

  /** Blocks with a predictor in front, ascending. */
  List<Integer> blocks() {
    return tensors.keySet().stream()
        .filter(name -> name.startsWith("blocks.") && name.contains(PART))
        .map(name -> Integer.valueOf(name.split("\\.")[1]))
        .distinct()
        .sorted()
        .collect(Collectors.toList());
  }

  /** The weights without predictors, in the shape of {@code base}. */
  static VitWeights without(VitWeights weights, VitWeights base) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    ParameterShapes.of(base.architecture())
        .keySet()
        .forEach(name -> tensors.put(name, weights.tensor(name)));
    return new VitWeights(base.architecture(), tensors);
  }
}
