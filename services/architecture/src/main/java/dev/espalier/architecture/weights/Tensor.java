package dev.espalier.architecture.weights;

import java.util.Arrays;

/**
 * A dense float32 array on the host, row-major. It is what files and surgery work on; engines copy
 * it to their device.
 *
 * @param shape lengths of the axes; empty for a scalar
 * @param values the elements; shared, not copied, and not to be changed once handed out
 */
public record Tensor(int[] shape, float[] values) {

  public Tensor {
    long size = 1;
    for (int length : shape) {
      size = Math.multiplyExact(size, (long) length);
    }
    if (size != values.length) {
      throw new IllegalArgumentException(
          "shape %s needs %d values but %d came"
              .formatted(Arrays.toString(shape), size, values.length));
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Tensor that
        && Arrays.equals(shape, that.shape)
        && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(shape) + Arrays.hashCode(values);
  }

  @Override
  public String toString() {
    return "Tensor" + Arrays.toString(shape);
  }
}
