package dev.espalier.pruning.wdpruning;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Classifiers behind blocks ({@code methods/wdpruning.md} §4): a layer norm and a linear head of
 * their own on the class token (and one on the distillation token where there is one), freshly
 * initialised.
 */
final class Classifiers {

  private final VitArchitecture vit;
  private final Map<Integer, Map<String, NDArray>> byDepth = new TreeMap<>();

  /**
   * Fresh classifiers.
   *
   * @param depths how many blocks each stands behind, below the model's depth
   */
  Classifiers(VitArchitecture vit, List<Integer> depths, long seed, NDManager manager) {
    this.vit = vit;
    for (int depth : depths) {
      Map<String, NDArray> arrays = new LinkedHashMap<>();
      VitInitializer.weights(vit, seed + depth)
          .tensors()
          .forEach(
              (name, tensor) -> {
                if (belongs(name)) {
                  long[] shape = Arrays.stream(tensor.shape()).asLongStream().toArray();
                  NDArray array = manager.create(tensor.values(), new Shape(shape));
                  array.setRequiresGradient(true);
                  arrays.put(name, array);
                }
              });
      byDepth.put(depth, arrays);
    }
  }

  /** Whether a tensor of a model belongs to its classifier: last norm and heads. */
  static boolean belongs(String name) {
    return name.startsWith("norm.") || name.startsWith("head");
  }

  boolean isBehind(int depth) {
    return byDepth.containsKey(depth);
  }

  Map<String, NDArray> parameters() {
    Map<String, NDArray> parameters = new LinkedHashMap<>();
    byDepth.forEach(
        (depth, arrays) ->
            arrays.forEach(
                (name, array) ->
                    parameters.put("wdpruning.classifiers." + depth + "." + name, array)));
    return parameters;
  }

  /** The tensors of each classifier by the names of the model's own, by depth. */
  Map<Integer, Map<String, Tensor>> tensors() {
    Map<Integer, Map<String, Tensor>> tensors = new TreeMap<>();
    byDepth.forEach(
        (depth, arrays) -> {
          Map<String, Tensor> host = new LinkedHashMap<>();
          arrays.forEach((name, array) -> host.put(name, VitModel.host(array)));
          tensors.put(depth, host);
        });
    return tensors;
  }

  /** Class scores, (B, classes), of the tokens that leave a block, (B, T, d). */
  NDArray scores(int depth, NDArray x) {
    Map<String, NDArray> of = byDepth.get(depth);
    NDArray scores = scores(of, "head", x.get(":, 0")); // (B, classes)
    if (vit.prefixTokens() == 1) {
      return scores;
    }
    NDArray half = x.getManager().full(new Shape(), 0.5f);
    return scores.add(scores(of, "head_dist", x.get(":, 1"))).mul(half);
  }

  private NDArray scores(Map<String, NDArray> of, String head, NDArray token) {
    NDArray normed =
        LayerNorm.layerNorm(
                token,
                new Shape(vit.embedding()),
                of.get("norm.weight"),
                of.get("norm.bias"),
                (float) vit.layerNormEpsilon())
            .singletonOrThrow(); // (B, d)
    return Linear.linear(normed, of.get(head + ".weight"), of.get(head + ".bias"))
        .singletonOrThrow();
  }
}
