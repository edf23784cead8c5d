package dev.espalier.pruning.wdpruning;

import dev.espalier.architecture.weights.Tensor;

/**
 * The Lagrange multipliers of the budget ({@code methods/wdpruning.md} §3): {@code Lp = lambda1 (R
 * - Rt) + lambda2 (R - Rt)^2} where R is above Rt, else 0. Both rise by gradient ascent while it
 * is, and stay as they are while it is not. Kept in float32, so that a checkpoint holds all of
 * them.
 */
final class Multipliers {

  private static final double BETA1 = 0.9;
  private static final double BETA2 = 0.999;
  private static final double EPSILON = 1e-8;

  private final boolean adam;
  private final double rate;
  private final float[] lambda = new float[2];
  private final float[] mean = new float[2];
  private final float[] square = new float[2];
  private int steps;

  /**
   * Both at 0.
   *
   * @param adam steps normalised as by Adam, or plain
   * @param rate of the ascent
   */
  Multipliers(boolean adam, double rate) {
    this.adam = adam;
    this.rate = rate;
  }

  double[] values() {
    return new double[] {lambda[0], lambda[1]};
  }

  /** Lp. */
  double penalty(double remaining, double target) {
    double over = remaining - target;
    return over > 0 ? lambda[0] * over + lambda[1] * over * over : 0;
  }

  /** dLp / dR. */
  double slope(double remaining, double target) {
    double over = remaining - target;
    return over > 0 ? lambda[0] + 2 * lambda[1] * over : 0;
  }

  /**
   * One step up.
   *
   * @param schedule share of the rate that holds now
   */
  void ascend(double remaining, double target, double schedule) {
    double over = remaining - target;
    if (over <= 0) {
      return;
    }
    steps++;
    double[] gradient = {over, over * over};
    for (int i = 0; i < 2; i++) {
      double step = gradient[i];
      if (adam) {
        mean[i] = (float) (BETA1 * mean[i] + (1 - BETA1) * gradient[i]);
        square[i] = (float) (BETA2 * square[i] + (1 - BETA2) * gradient[i] * gradient[i]);
        double first = mean[i] / (1 - Math.pow(BETA1, steps));
        double second = square[i] / (1 - Math.pow(BETA2, steps));
        step = first / (Math.sqrt(second) + EPSILON);
      }
      lambda[i] = (float) Math.max(0, lambda[i] + rate * schedule * step);
    }
  }

  Tensor state() {
    return new Tensor(
        new int[] {7},
        new float[] {lambda[0], lambda[1], mean[0], mean[1], square[0], square[1], steps});
  }

  void restore(Tensor state) {
    float[] values = state.values();
    for (int i = 0; i < 2; i++) {
      lambda[i] = values[i];
      mean[i] = values[2 + i];
      square[i] = values[4 + i];
    }
    steps = (int) values[6];
  }
}
