package dev.espalier.pruning.dynamicvit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.util.SplittableRandom;

/**
 * Which patches of each image stay, while training ({@code methods/dynamicvit.md} §3): B images, N
 * patches. Temperature is 1 throughout.
 */
final class Decision {

  private static final double SMALLEST = 1e-6;

  private Decision() {}

  /**
   * The straight-through Gumbel-softmax: exactly 0 or 1 forward, the soft keep probability's
   * gradient backward.
   *
   * @param scores log probabilities to keep and to drop, (B, N, 2)
   * @param noise Gumbel numbers, (B, N, 2)
   * @param before decision of the stage before, (B, N): what it dropped stays dropped
   * @return (B, N)
   */
  static NDArray next(NDArray scores, NDArray noise, NDArray before) {
    NDArray perturbed = scores.add(noise); // (B, N, 2)
    NDArray soft = perturbed.softmax(2).get(":, :, 0"); // (B, N)
    NDArray hard =
        perturbed.get(":, :, 0").gte(perturbed.get(":, :, 1")).toType(DataType.FLOAT32, false);
    // In this order the sum is exact: the larger of two shares is at least one half.
    return hard.sub(soft.stopGradient()).add(soft).mul(before);
  }

  /** What attention may see: prefix tokens always, (B, E + N). */
  static NDArray policy(NDArray decision, int prefixTokens) {
    long B = decision.getShape().get(0);
    NDArray prefix = decision.getManager().ones(new Shape(B, prefixTokens));
    return NDArrays.concat(new NDList(prefix, decision), 1);
  }

  /**
   * Gumbel numbers, {@code -log(-log u)}, of one batch: they follow from the arguments alone, so
   * that a resumed search draws the same.
   *
   * @return (stages, B, N, 2)
   */
  static NDArray noise(NDManager manager, long seed, long step, Shape shape) {
    SplittableRandom random = new SplittableRandom(seed * 0x9e3779b97f4a7c15L + step);
    float[] numbers = new float[Math.toIntExact(shape.size())];
    for (int i = 0; i < numbers.length; i++) {
      double u = Math.min(1 - SMALLEST, Math.max(SMALLEST, random.nextDouble()));
      numbers[i] = (float) -StrictMath.log(-StrictMath.log(u));
    }
    return manager.create(numbers, shape);
  }
}
