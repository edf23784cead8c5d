package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.Map;

/**
 * Runs a {@link VitModel}. Two implementations compute the same: {@link ReferenceVitEngine},
 * written to be read and to be trusted, and {@link TorchScriptVitEngine}, the fast one, tested
 * equal to it.
 *
 * <p>Results belong to the manager of {@code images}; callers give each step a manager of its own.
 * Engines are not shared between threads, several engines in several threads are fine.
 */
public interface VitEngine extends AutoCloseable {

  /**
   * Class scores, without a graph for a backward pass.
   *
   * @param images normalised, (B, C, S, S)
   * @param gates masks over the model's units, or {@link Gates#NONE}
   * @return (B, classes), float32
   */
  NDArray logits(VitModel model, NDArray images, Gates gates);

  /** Class scores of the model as it is. */
  default NDArray logits(VitModel model, NDArray images) {
    return logits(model, images, Gates.NONE);
  }

  /**
   * Forward and backward pass of one batch: adds the loss's gradients to those of the model's
   * parameters (and of gates that require one).
   *
   * @param labels class of each image, (B), int64, or shares of classes, (B, classes), float32
   * @param teacherLogits (B, classes); null unless the objective distils
   * @return the loss and the class scores of the batch
   */
  BatchResult backward(
      VitModel model,
      NDArray images,
      NDArray labels,
      Objective objective,
      NDArray teacherLogits,
      Gates gates);

  /** Fresh optimizer for the parameters of a model, all moments zero. */
  default AdamW newOptimizer(VitModel model, AdamWSettings settings) {
    return newOptimizer(model, Map.of(), settings);
  }

  /**
   * The same for parameters that train beside the model's: gates, thresholds, extra classifiers.
   *
   * @param others by names that are not the model's
   */
  AdamW newOptimizer(VitModel model, Map<String, NDArray> others, AdamWSettings settings);

  @Override
  void close();

  /**
   * What a batch gave.
   *
   * @param loss value of the objective
   * @param logits (B, classes), detached from the graph
   */
  record BatchResult(float loss, NDArray logits) {}

  /** The fast engine for that precision. */
  static VitEngine fast(TensorEngine engine, Precision precision) {
    return new TorchScriptVitEngine(engine, precision);
  }

  /** The reference engine, float32. */
  static VitEngine reference() {
    return new ReferenceVitEngine();
  }
}
