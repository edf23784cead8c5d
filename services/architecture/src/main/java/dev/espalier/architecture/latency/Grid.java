package dev.espalier.architecture.latency;

import java.util.ArrayList;
import java.util.List;

/**
 * Values on the points of a grid of any number of axes, the last axis fastest.
 *
 * @param axes positions of the points along each axis, ascending
 * @param values one per point
 */
record Grid(List<List<Integer>> axes, double[] values) {

  Grid {
    axes = axes.stream().map(List::copyOf).toList();
    for (List<Integer> axis : axes) {
      for (int i = 0; i < axis.size(); i++) {
        if (axis.get(i) < 1 || i > 0 && axis.get(i) <= axis.get(i - 1)) {
          throw new IllegalArgumentException(
              "expected an axis of ascending widths of at least 1 but found " + axis);
        }
      }
    }
    int points = axes.stream().mapToInt(List::size).reduce(1, Math::multiplyExact);
    if (points == 0 || values.length != points) {
      throw new IllegalArgumentException(
          "expected %d values on a grid of axes %s but found %d"
              .formatted(points, axes, values.length));
    }
    for (double value : values) {
      if (!Double.isFinite(value) || value < 0) {
        throw new IllegalArgumentException(
            "expected finite values of at least 0 on a grid but found " + value);
      }
    }
    values = values.clone();
  }

  /** Distance in {@link #values} of two neighbours along an axis. */
  static int stride(List<? extends List<?>> axes, int axis) {
    int stride = 1;
    for (int a = axis + 1; a < axes.size(); a++) {
      stride *= axes.get(a).size();
    }
    return stride;
  }

  /**
   * Multilinear interpolation; beyond its ends an axis goes on flat, so that no extrapolation turns
   * a prediction negative.
   */
  double at(int... position) {
    return at(0, 0, position);
  }

  private double at(int axis, int offset, int[] position) {
    if (axis == axes.size()) {
      return values[offset];
    }
    List<Integer> points = axes.get(axis);
    int stride = stride(axes, axis);
    int upper = 0;
    while (upper < points.size() - 1 && points.get(upper) < position[axis]) {
      upper++;
    }
    double above = at(axis + 1, offset + upper * stride, position);
    if (upper == 0 || position[axis] >= points.get(upper)) {
      return above;
    }
    double below = at(axis + 1, offset + (upper - 1) * stride, position);
    double from = points.get(upper - 1);
    double share = (position[axis] - from) / (points.get(upper) - from);
    return below + share * (above - below);
  }

  /** The same grid with values that never fall along any axis. */
  Grid isotonic() {
    return new Grid(axes, Isotonic.fit(axes.stream().map(List::size).toList(), values));
  }

  /** This grid, if its values never fall along an axis. */
  Grid requireIsotonic(String name) {
    for (int axis = 0; axis < axes.size(); axis++) {
      int stride = stride(axes, axis);
      for (int i = 0; i < values.length; i++) {
        if (i / stride % axes.get(axis).size() > 0 && values[i] < values[i - stride]) {
          throw new IllegalArgumentException(
              "%s must never fall when a width grows but %s follows %s"
                  .formatted(name, values[i], values[i - stride]));
        }
      }
    }
    return this;
  }

  /** Positions of all points, in the order of the values. */
  static List<int[]> points(List<List<Integer>> axes) {
    List<int[]> points = List.of(new int[0]);
    for (List<Integer> axis : axes) {
      List<int[]> longer = new ArrayList<>();
      for (int[] point : points) {
        for (int position : axis) {
          int[] one = java.util.Arrays.copyOf(point, point.length + 1);
          one[point.length] = position;
          longer.add(one);
        }
      }
      points = longer;
    }
    return points;
  }
}
