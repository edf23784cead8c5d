package dev.espalier.architecture.latency;

import java.util.List;

/**
 * Isotonic regression on a grid: the values nearest in squares to those measured that do not fall
 * along any axis. Fewer units then never look slower, however noisy the clock was.
 *
 * <p>Dykstra's alternating projections (Boyle and Dykstra, 1986), each of them the
 * pool-adjacent-violators algorithm along the lines of one axis.
 */
final class Isotonic {

  private static final int ROUNDS = 200;
  private static final double STILL = 1e-12;

  private Isotonic() {}

  /**
   * Fits values.
   *
   * @param sizes points along each axis
   * @param values the last axis fastest
   */
  static double[] fit(List<Integer> sizes, double[] values) {
    double[] fitted = values.clone();
    double[][] corrections = new double[sizes.size()][values.length];
    for (int round = 0; round < ROUNDS; round++) {
      double moved = 0;
      for (int axis = 0; axis < sizes.size(); axis++) {
        double[] from = new double[fitted.length];
        for (int i = 0; i < fitted.length; i++) {
          from[i] = fitted[i] + corrections[axis][i];
        }
        double[] projected = from.clone();
        alongLines(sizes, axis, projected, Isotonic::poolAdjacentViolators);
        for (int i = 0; i < fitted.length; i++) {
          corrections[axis][i] = from[i] - projected[i];
          moved += Math.abs(projected[i] - fitted[i]);
          fitted[i] = projected[i];
        }
      }
      if (moved <= STILL * sum(values)) {
        break;
      }
    }
    // The projections meet in the limit only; what is left to their meeting is rounded upwards.
    for (int axis = 0; axis < sizes.size(); axis++) {
      alongLines(sizes, axis, fitted, Isotonic::runningMaximum);
    }
    return fitted;
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }

  private interface OnLine {
    void apply(double[] line);
  }

  private static void alongLines(List<Integer> sizes, int axis, double[] values, OnLine rule) {
    int size = sizes.get(axis);
    int stride = 1;
    for (int a = axis + 1; a < sizes.size(); a++) {
      stride *= sizes.get(a);
    }
    double[] line = new double[size];
    for (int start = 0; start < values.length; start++) {
      if (start / stride % size != 0) {
        continue;
      }
      for (int i = 0; i < size; i++) {
        line[i] = values[start + i * stride];
      }
      rule.apply(line);
      for (int i = 0; i < size; i++) {
        values[start + i * stride] = line[i];
      }
    }
  }

  private static void poolAdjacentViolators(double[] line) {
    double[] means = new double[line.length];
    int[] weights = new int[line.length];
    int blocks = 0;
    for (double value : line) {
      means[blocks] = value;
      weights[blocks++] = 1;
      while (blocks > 1 && means[blocks - 2] > means[blocks - 1]) {
        int together = weights[blocks - 2] + weights[blocks - 1];
        means[blocks - 2] =
            (means[blocks - 2] * weights[blocks - 2] + means[blocks - 1] * weights[blocks - 1])
                / together;
        weights[blocks - 2] = together;
        blocks--;
      }
    }
    int i = 0;
    for (int block = 0; block < blocks; block++) {
      for (int n = 0; n < weights[block]; n++) {
        line[i++] = means[block];
      }
    }
  }

  private static void runningMaximum(double[] line) {
    for (int i = 1; i < line.length; i++) {
      line[i] = Math.max(line[i], line[i - 1]);
    }
  }
}
