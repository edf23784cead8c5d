package dev.espalier.pruning.spvit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.pruning.tensor.GradientMode;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Batch norm over e channels, between the two linear maps of a bottleneck: {@code gamma (u - mean)
 * / sqrt(var + eps) + beta}.
 */
final class BatchNorm {

  static final double EPSILON = 1e-5;

  /** Weight of a training batch in the running statistics. */
  static final double MOMENTUM = 0.1;

  private final NDArray gamma;
  private final NDArray beta;
  private final NDArray mean;
  private final NDArray variance;

  /** Scale 1, shift 0, running statistics (0, 1). */
  BatchNorm(int channels, NDManager manager) {
    Shape shape = new Shape(channels);
    gamma = manager.ones(shape);
    beta = manager.zeros(shape);
    mean = manager.zeros(shape);
    variance = manager.ones(shape);
    gamma.setRequiresGradient(true);
    beta.setRequiresGradient(true);
  }

  /** What trains. */
  Map<String, NDArray> parameters() {
    Map<String, NDArray> parameters = new LinkedHashMap<>();
    parameters.put("gamma", gamma);
    parameters.put("beta", beta);
    return parameters;
  }

  /** Running statistics. */
  Map<String, NDArray> statistics() {
    Map<String, NDArray> statistics = new LinkedHashMap<>();
    statistics.put("mean", mean);
    statistics.put("variance", variance);
    return statistics;
  }

  /**
   * Normalises.
   *
   * @param u (B, N, e)
   * @param momentum above 0: with the batch's statistics, which enter the running ones with that
   *     weight; 0: with the running ones
   */
  NDArray forward(NDArray u, double momentum) {
    NDManager step = u.getManager();
    NDArray epsilon = step.full(new Shape(), (float) EPSILON);
    if (momentum == 0) {
      NDArray scale = step.zeros(gamma.getShape()).add(gamma);
      NDArray deviation = step.zeros(gamma.getShape()).add(variance).add(epsilon).sqrt();
      return u.sub(mean).mul(scale.div(deviation)).add(beta);
    }
    long e = gamma.getShape().get(0);
    long count = u.getShape().size() / e;
    NDArray flat = u.reshape(-1, e); // (B N, e)
    NDArray batchMean = flat.mean(new int[] {0}); // (e)
    NDArray centred = flat.sub(batchMean);
    NDArray batchVariance = centred.mul(centred).mean(new int[] {0}); // (e)
    remember(batchMean, batchVariance, (double) count / Math.max(1, count - 1), momentum);
    NDArray normed = centred.div(batchVariance.add(epsilon).sqrt());
    return normed.mul(gamma).add(beta).reshape(u.getShape());
  }

  /** Running statistics hold the unbiased variance, as PyTorch's. */
  private void remember(
      NDArray batchMean, NDArray batchVariance, double unbiased, double momentum) {
    try (GradientMode off = GradientMode.off()) {
      mean.muli(1 - momentum).addi(batchMean.stopGradient().mul(momentum));
      variance.muli(1 - momentum).addi(batchVariance.stopGradient().mul(unbiased).mul(momentum));
    }
  }
}
