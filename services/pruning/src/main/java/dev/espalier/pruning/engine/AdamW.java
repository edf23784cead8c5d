package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * AdamW (Loshchilov and Hutter, ICLR 2019) over the parameters of one model, and others that train
 * with it, which it changes in place. DJL's own has one decay for all parameters and clips
 * elements, not norms.
 */
public interface AdamW extends AutoCloseable {

  /**
   * Scales all gradients to a global norm of at most {@code maxNorm}.
   *
   * @param maxNorm 0 leaves them as they are
   * @return the norm before
   */
  double clip(double maxNorm);

  /** One update from the gradients the parameters hold, which are zeroed afterwards. */
  default void step(double learningRate) {
    step(name -> learningRate);
  }

  /**
   * One update with a learning rate for each parameter by name. At 0 the moments move and the
   * parameter stays; a negative rate leaves the parameter and its moments alone.
   */
  void step(ToDoubleFunction<String> learningRates);

  /** Forgets the gradients without an update. */
  void zeroGradients();

  /** Updates made so far. */
  long steps();

  /** Running means of gradients by timm name: live arrays, to be changed in place only. */
  Map<String, NDArray> firstMoments();

  /** Running means of squared gradients by timm name: live arrays, to be changed in place only. */
  Map<String, NDArray> secondMoments();

  /** Continues from a checkpoint: the moments are changed in place, this sets the count. */
  void restoreSteps(long steps);

  @Override
  void close();
}
