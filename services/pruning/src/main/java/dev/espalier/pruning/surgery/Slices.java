package dev.espalier.pruning.surgery;

import dev.espalier.architecture.weights.Tensor;

/** Copies rows or columns of a tensor; a negative index gives zeros. */
final class Slices {

  private Slices() {}

  /** Entries of the first axis. */
  static Tensor rows(Tensor tensor, int[] rows) {
    int[] shape = tensor.shape().clone();
    int length = shape[0] == 0 ? 0 : tensor.values().length / shape[0];
    shape[0] = rows.length;
    float[] values = new float[rows.length * length];
    for (int r = 0; r < rows.length; r++) {
      if (rows[r] >= 0) {
        System.arraycopy(tensor.values(), rows[r] * length, values, r * length, length);
      }
    }
    return new Tensor(shape, values);
  }

  /** Entries of the last axis. */
  static Tensor columns(Tensor tensor, int[] columns) {
    int[] shape = tensor.shape().clone();
    int width = shape[shape.length - 1];
    int rows = width == 0 ? 0 : tensor.values().length / width;
    shape[shape.length - 1] = columns.length;
    float[] values = new float[rows * columns.length];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns.length; c++) {
        if (columns[c] >= 0) {
          values[r * columns.length + c] = tensor.values()[r * width + columns[c]];
        }
      }
    }
    return new Tensor(shape, values);
  }

  /** All of it. */
  static Tensor copy(Tensor tensor) {
    return new Tensor(tensor.shape(), tensor.values().clone());
  }
}
