package dev.espalier.pruning.sparsity;

import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import java.util.LinkedHashMap;
import java.util.Map;

/** Multiplies gates into weights; the weights it began with stay as they are. */
public final class Folding {

  private final VitWeights original;
  private final Map<String, Tensor> tensors;

  public Folding(VitWeights weights) {
    this.original = weights;
    this.tensors = new LinkedHashMap<>(weights.tensors());
  }

  /** Column j of a matrix is multiplied by gate j. */
  public void columns(String name, float[] gates) {
    Tensor tensor = original.tensor(name);
    float[] values = tensors.get(name).values().clone();
    for (int i = 0; i < values.length; i++) {
      values[i] *= gates[i % gates.length];
    }
    tensors.put(name, new Tensor(tensor.shape(), values));
  }

  /**
   * Rows of a linear, weight and bias, are multiplied by gates.
   *
   * @param from the row that the first gate belongs to
   */
  public void rows(String linear, int from, float[] gates) {
    for (String name : new String[] {linear + ".weight", linear + ".bias"}) {
      Tensor tensor = original.tensor(name);
      float[] values = tensors.get(name).values().clone();
      int length = values.length / tensor.shape()[0];
      for (int row = 0; row < gates.length; row++) {
        for (int i = 0; i < length; i++) {
          values[(from + row) * length + i] *= gates[row];
        }
      }
      tensors.put(name, new Tensor(tensor.shape(), values));
    }
  }

  /** The weights with all that was folded in. */
  public VitWeights weights() {
    return new VitWeights(original.architecture(), tensors);
  }
}
