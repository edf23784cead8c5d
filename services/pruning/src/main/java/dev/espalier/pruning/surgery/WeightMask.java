package dev.espalier.pruning.surgery;

import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.weights.Tensor;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which entries of a base tensor a plan keeps: those whose row and column it keeps.
 *
 * @param rows 1 or 0 for each entry of the first axis; null where all are kept
 * @param columns 1 or 0 for each entry of the last axis, or of a kernel's second; likewise
 */
public record WeightMask(float[] rows, float[] columns) {

  /**
   * Masks of all base tensors by name. Tensors of removed blocks are masked altogether.
   *
   * @param shapes of the base's tensors by name
   */
  public static Map<String, WeightMask> of(PruningPlan plan, Map<String, int[]> shapes) {
    Map<String, WeightMask> masks = new LinkedHashMap<>();
    shapes.forEach((name, shape) -> masks.put(name, new WeightMask(new float[shape[0]], null)));
    for (Slice slice : Slicing.of(plan)) {
      int[] shape = shapes.get(slice.from());
      masks.put(
          slice.from(),
          new WeightMask(
              kept(slice.rows(), shape[0]), kept(slice.columns(), shape[Slice.columnAxis(shape)])));
    }
    return masks;
  }

  private static float[] kept(int[] indices, int length) {
    if (indices == null) {
      return null;
    }
    float[] kept = new float[length];
    for (int index : indices) {
      if (index != Slice.PADDING) {
        kept[index] = 1;
      }
    }
    return kept;
  }

  /** Lengths in which the columns broadcast over a tensor of that shape. */
  public static long[] columnShape(int[] shape) {
    long[] lengths = new long[shape.length];
    Arrays.fill(lengths, 1);
    lengths[Slice.columnAxis(shape)] = shape[Slice.columnAxis(shape)];
    return lengths;
  }

  /** Whether every entry is kept. */
  public boolean keepsAll() {
    return allOnes(rows) && allOnes(columns);
  }

  private static boolean allOnes(float[] kept) {
    if (kept != null) {
      for (float value : kept) {
        if (value == 0) {
          return false;
        }
      }
    }
    return true;
  }

  /** The tensor with {@code other}'s entries where this mask is 0. */
  Tensor merge(Tensor tensor, Tensor other) {
    int[] shape = tensor.shape();
    int width = shape[Slice.columnAxis(shape)];
    int inner = Slice.inner(shape);
    int perRow = tensor.values().length / shape[0];
    float[] values = tensor.values().clone();
    for (int i = 0; i < values.length; i++) {
      boolean kept =
          (rows == null || rows[i / perRow] != 0)
              && (columns == null || columns[i / inner % width] != 0);
      if (!kept) {
        values[i] = other == null ? 0 : other.values()[i];
      }
    }
    return new Tensor(shape, values);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof WeightMask that
        && Arrays.equals(rows, that.rows)
        && Arrays.equals(columns, that.columns);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(rows) + Arrays.hashCode(columns);
  }
}
