package dev.espalier.pruning.sparsity;

import ai.djl.ndarray.NDArray;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.vit.Gates;
import java.util.Map;
import java.util.function.Function;

/** The soft gates that a method puts into a model, and what they mean. */
public interface GateSet {

  /** Shapes of the gates by name; the names also name them in the findings. */
  Map<String, long[]> shapes();

  /** Value of every entry at the start, before {@link #bounded}. */
  float initial(String name);

  /** Whether tanh is taken of the trained values. */
  boolean bounded(String name);

  /** Coefficient of the sum of absolute values in the loss. */
  double penalty(String name);

  /** Whether a parameter of the model trains beside the gates. */
  default boolean trains(String parameter) {
    return true;
  }

  /**
   * Where the gates act.
   *
   * @param values of the gates by name, after tanh where {@link #bounded}; they carry gradients and
   *     belong to the pass, and so does what is computed from them
   */
  Gates place(Function<String, NDArray> values);

  /**
   * Weights that compute without gates what {@code trained} computes under them, as far as weights
   * can.
   */
  VitWeights fold(VitWeights trained, Map<String, Tensor> values);

  /** Scores of the base's units from the gates' values. */
  Importance importance(Map<String, Tensor> values);
}
