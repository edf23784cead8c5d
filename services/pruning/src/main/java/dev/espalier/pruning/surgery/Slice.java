package dev.espalier.pruning.surgery;

import dev.espalier.architecture.weights.Tensor;

/**
 * Where a tensor of the cut model comes from.
 *
 * @param from its name in the base
 * @param to its name in the cut model
 * @param rows kept entries of the first axis; {@link #PADDING} for zeros, null for all
 * @param columns kept entries of the last axis, or of the second of a convolution's kernel;
 *     likewise
 */
record Slice(String from, String to, int[] rows, int[] columns) {

  /** An entry that the base does not have: zeros. */
  static final int PADDING = -1;

  /** Copies what is kept. */
  Tensor cut(Tensor tensor) {
    Tensor kept = rows == null ? tensor : rows(tensor);
    if (columns != null) {
      return columns(kept);
    }
    return kept == tensor ? new Tensor(tensor.shape(), tensor.values().clone()) : kept;
  }

  private Tensor rows(Tensor tensor) {
    int[] shape = tensor.shape().clone();
    int length = tensor.values().length / shape[0];
    shape[0] = rows.length;
    float[] values = new float[rows.length * length];
    for (int r = 0; r < rows.length; r++) {
      if (rows[r] != PADDING) {
        System.arraycopy(tensor.values(), rows[r] * length, values, r * length, length);
      }
    }
    return new Tensor(shape, values);
  }

  private Tensor columns(Tensor tensor) {
    int[] shape = tensor.shape().clone();
    int axis = columnAxis(shape);
    int width = shape[axis];
    int inner = inner(shape);
    int height = tensor.values().length / (width * inner);
    shape[axis] = columns.length;
    float[] values = new float[height * columns.length * inner];
    for (int r = 0; r < height; r++) {
      for (int c = 0; c < columns.length; c++) {
        if (columns[c] != PADDING) {
          System.arraycopy(
              tensor.values(),
              (r * width + columns[c]) * inner,
              values,
              (r * columns.length + c) * inner,
              inner);
        }
      }
    }
    return new Tensor(shape, values);
  }

  /** The axis that columns count along: the second of a kernel (out, in, k, k), else the last. */
  static int columnAxis(int[] shape) {
    return shape.length == 4 ? 1 : shape.length - 1;
  }

  /** Entries of one column in one row. */
  static int inner(int[] shape) {
    int inner = 1;
    for (int axis = columnAxis(shape) + 1; axis < shape.length; axis++) {
      inner *= shape[axis];
    }
    return inner;
  }
}
