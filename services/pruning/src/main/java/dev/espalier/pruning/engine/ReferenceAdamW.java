package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.vit.VitModel;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * AdamW as in the paper, algorithm 2, array by array. With g the gradient, m and v the moments, t
 * the number of this update:
 *
 * <pre>
 * p = p - lr * decay * p
 * m = beta1 * m + (1 - beta1) * g
 * v = beta2 * v + (1 - beta2) * g * g
 * p = p - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
 * </pre>
 */
final class ReferenceAdamW extends AdamWState {

  ReferenceAdamW(VitModel model, Map<String, NDArray> others, AdamWSettings settings) {
    super(model, others, settings);
  }

  @Override
  public double clip(double maxNorm) {
    try (NDManager scratch = manager.newSubManager();
        GradientMode off = GradientMode.off()) {
      double squares = 0;
      for (String name : reached(scratch)) {
        squares += Math.pow(gradient(name, scratch).norm().getFloat(), 2);
      }
      double norm = Math.sqrt(squares);
      if (maxNorm > 0 && norm > maxNorm) {
        for (String name : reached(scratch)) {
          gradient(name, scratch).muli(maxNorm / (norm + 1e-6));
        }
      }
      return norm;
    }
  }

  @Override
  public void step(ToDoubleFunction<String> learningRates) {
    steps++;
    double meanScale = 1 / (1 - Math.pow(settings.beta1(), steps));
    double squareScale = 1 / (1 - Math.pow(settings.beta2(), steps));
    try (NDManager scratch = manager.newSubManager();
        GradientMode off = GradientMode.off()) {
      for (String name : reached(scratch)) {
        double learningRate = learningRates.applyAsDouble(name);
        if (learningRate < 0) {
          continue;
        }
        NDArray p = parameters.get(name);
        NDArray g = gradient(name, scratch);
        NDArray m = firstMoments().get(name);
        NDArray v = secondMoments().get(name);
        if (decays(name)) {
          p.muli(1 - learningRate * settings.weightDecay());
        }
        m.muli(settings.beta1()).addi(g.mul(1 - settings.beta1()));
        v.muli(settings.beta2()).addi(g.mul(g).muli(1 - settings.beta2()));
        NDArray root = copy(v, scratch).muli(squareScale).sqrt().addi(settings.epsilon());
        p.subi(copy(m, scratch).muli(meanScale * learningRate).divi(root));
      }
    }
    zeroGradients();
  }

  /** A copy that goes with the scratch manager; results follow the manager of their operand. */
  private static NDArray copy(NDArray array, NDManager scratch) {
    NDArray copy = array.duplicate();
    copy.attach(scratch);
    return copy;
  }
}
