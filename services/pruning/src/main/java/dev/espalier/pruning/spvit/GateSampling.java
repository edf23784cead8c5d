package dev.espalier.pruning.spvit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import java.util.SplittableRandom;

/**
 * Gates of 0 and 1 with a learnt probability p = sigmoid(t) ({@code methods/spvit.md} §3), and what
 * three ordered ones let through.
 */
final class GateSampling {

  private static final double SMALLEST = 1e-6;

  private GateSampling() {}

  /**
   * A binary-concrete sample: exactly 0 or 1 forward, the sigmoid's gradient backward.
   *
   * @param t logits of p, any shape
   * @param noise {@code log u - log(1 - u)}, the same shape
   * @param tau temperature
   */
  static NDArray sample(NDArray t, NDArray noise, double tau) {
    NDManager step = noise.getManager();
    NDArray logit = noise.add(t).div(step.full(new Shape(), (float) tau));
    NDArray soft = Activation.sigmoid(logit);
    NDArray hard = logit.gt(step.zeros(new Shape())).toType(DataType.FLOAT32, false);
    // In this order the sum is exact: the larger of two shares is at least one half.
    return hard.sub(soft.stopGradient()).add(soft);
  }

  /** The gates in use: 1 where p is above one half. */
  static NDArray decided(NDArray t, NDManager step) {
    NDArray open = step.zeros(t.getShape()).lt(t);
    return open.toType(DataType.FLOAT32, false);
  }

  /**
   * Noise for one array of gates: it follows from the arguments alone, so that a resumed search
   * draws the same.
   *
   * @param array number of the array
   */
  static NDArray noise(NDManager manager, long seed, long step, int array, Shape shape) {
    long mixed = (seed * 0x9e3779b97f4a7c15L + step) * 0xbf58476d1ce4e5b9L + array;
    SplittableRandom random = new SplittableRandom(mixed);
    float[] numbers = new float[Math.toIntExact(shape.size())];
    for (int i = 0; i < numbers.length; i++) {
      double u = Math.min(1 - SMALLEST, Math.max(SMALLEST, random.nextDouble()));
      numbers[i] = (float) (StrictMath.log(u) - StrictMath.log1p(-u));
    }
    return manager.create(numbers, shape);
  }

  /**
   * {@code G3 MSA + G2 (1 - G3) conv3 + G1 (1 - G2) (1 - G3) conv1} with G the products of the
   * gates: a complex operator needs all simpler ones on.
   *
   * @param g three gates, (3)
   * @param strict whether only the most complex open gate learns: those below it that are on are
   *     constants
   */
  static NDArray blend(NDArray g, NDArray msa, NDArray conv3, NDArray conv1, boolean strict) {
    NDArray g1 = g.get("0");
    NDArray below2 = strict ? heldWhenOn(g1) : g1;
    NDArray g2 = below2.mul(g.get("1"));
    NDArray below3 = strict ? heldWhenOn(g2) : g2;
    NDArray g3 = below3.mul(g.get("2"));
    NDArray one = g.getManager().ones(new Shape());
    NDArray no3 = one.sub(g3);
    NDArray no2 = one.sub(g2);
    return msa.mul(g3).add(conv3.mul(g2.mul(no3))).add(conv1.mul(g1.mul(no2).mul(no3)));
  }

  /** The gate itself where it is 0, a constant where it is 1. */
  private static NDArray heldWhenOn(NDArray gate) {
    NDArray held = gate.stopGradient();
    NDArray off = gate.getManager().ones(new Shape()).sub(held);
    return held.mul(held).add(off.mul(gate));
  }
}
