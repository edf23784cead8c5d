package dev.espalier.pruning.nvit;

import dev.espalier.architecture.weights.Tensor;
import java.util.Map;

/** Sums of weight times gradient from arrays on the host, written apart from the device's. */
record HostProducts(Map<String, Tensor> weights, Map<String, Tensor> gradients)
    implements TaylorScores.Products {

  @Override
  public float[] rows(String name) {
    int rows = weights.get(name).shape()[0];
    double[] sums = new double[rows];
    int perRow = weights.get(name).values().length / rows;
    for (int i = 0; i < rows * perRow; i++) {
      sums[i / perRow] += product(name, i);
    }
    return floats(sums);
  }

  @Override
  public float[] columns(String name) {
    int[] shape = weights.get(name).shape();
    int columns = shape[shape.length - 1];
    double[] sums = new double[columns];
    for (int i = 0; i < weights.get(name).values().length; i++) {
      sums[i % columns] += product(name, i);
    }
    return floats(sums);
  }

  /** The sum over the whole tensor's entry i alone. */
  double product(String name, int i) {
    return (double) weights.get(name).values()[i] * gradients.get(name).values()[i];
  }

  private static float[] floats(double[] sums) {
    float[] floats = new float[sums.length];
    for (int i = 0; i < sums.length; i++) {
      floats[i] = (float) sums[i];
    }
    return floats;
  }
}
