package dev.espalier.pruning.dynamicvit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.pruning.engine.Objective;
import dev.espalier.pruning.engine.ReferenceVitEngine;
import java.util.List;

/**
 * The four losses ({@code methods/dynamicvit.md} §5), each a scalar with a graph.
 *
 * @param classification cross entropy
 * @param divergence KL(teacher || student) on class scores, times its weight
 * @param distillation distance of kept tokens to the teacher's, times its weight
 * @param ratio distance of kept shares to the keep rates, times its weight
 */
record Losses(NDArray classification, NDArray divergence, NDArray distillation, NDArray ratio) {

  /**
   * Coefficients of the three losses that have one.
   *
   * @param ratio w_ratio
   */
  record Weights(double divergence, double distillation, double ratio) {}

  /** Losses of one pass beside the teacher's. */
  static Losses of(
      SparsePass student,
      SparsePass teacher,
      NDArray labels,
      List<Double> keepRates,
      Weights weights) {
    Objective kl = new Objective(0, weights.divergence(), 1);
    return new Losses(
        ReferenceVitEngine.crossEntropy(student.logits(), labels, 0),
        ReferenceVitEngine.divergence(student.logits(), teacher.logits(), kl),
        weighted(
            distillation(student.patches(), teacher.patches(), student.lastDecision()),
            weights.distillation()),
        weighted(ratio(student.decisions(), keepRates), weights.ratio()));
  }

  NDArray total() {
    return classification.add(divergence).add(distillation).add(ratio);
  }

  /**
   * Mean squared distance over finally kept tokens, pooled over the batch, and channels; 0 where
   * nothing is kept. The decision takes no gradient from it.
   *
   * @param student (B, N, d)
   * @param teacher (B, N, d)
   * @param kept (B, N)
   */
  static NDArray distillation(NDArray student, NDArray teacher, NDArray kept) {
    long d = student.getShape().get(2);
    NDArray distance = student.sub(teacher);
    NDArray squares = distance.mul(distance).sum(new int[] {2}); // (B, N)
    NDArray mask = kept.stopGradient();
    NDArray count = mask.sum().mul(scalar(student, d)).maximum(scalar(student, 1));
    return squares.mul(mask).sum().div(count);
  }

  /**
   * Mean over stages and images of the squared distance of an image's kept share to the keep rate.
   *
   * @param decisions one for each stage, (B, N)
   */
  static NDArray ratio(List<NDArray> decisions, List<Double> keepRates) {
    NDArray sum = scalar(decisions.get(0), 0);
    for (int s = 0; s < decisions.size(); s++) {
      NDArray kept = decisions.get(s).mean(new int[] {1}); // (B)
      NDArray distance = kept.sub(scalar(kept, keepRates.get(s)));
      sum = sum.add(distance.mul(distance).mean());
    }
    return sum.mul(scalar(sum, 1.0 / decisions.size()));
  }

  private static NDArray weighted(NDArray loss, double weight) {
    return loss.mul(scalar(loss, weight));
  }

  private static NDArray scalar(NDArray like, double value) {
    NDManager manager = like.getManager();
    return manager.full(new Shape(), (float) value);
  }
}
