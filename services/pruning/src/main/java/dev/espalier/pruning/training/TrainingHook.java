package dev.espalier.pruning.training;

import ai.djl.ndarray.NDArray;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.engine.Objective;
import dev.espalier.pruning.vit.Gates;
import java.util.Map;

/**
 * What a pruning method does inside a training. All calls come on the training thread, in the order
 * of the methods below. A hook with a memory must give it to the checkpoint and take it back, or a
 * resumed run is not the uninterrupted one.
 */
public interface TrainingHook {

  /** Training as it is. */
  TrainingHook NONE = new TrainingHook() {};

  /** Gates of the coming forward pass. */
  default Gates gates(TrainingRun run) {
    return Gates.NONE;
  }

  /** Loss of the coming update, from the recipe's. */
  default Objective objective(TrainingRun run, Objective recipe) {
    return recipe;
  }

  /** Parameters that train beside the model's, by names that are not the model's. */
  default Map<String, NDArray> parameters() {
    return Map.of();
  }

  /**
   * Forward and backward pass of a batch: adds gradients to all parameters.
   *
   * @return the loss
   */
  default double backward(TrainingRun run, Batch batch) {
    return run.backward(batch, gates(run), objective(run, run.recipe().objective()));
  }

  /** Class scores, (B, classes), of images (B, C, S, S), without a graph, to evaluate. */
  default NDArray logits(TrainingRun run, NDArray images) {
    return run.engine().logits(run.model(), images, gates(run));
  }

  /**
   * Learning rate of one parameter; see {@link dev.espalier.pruning.engine.AdamW#step}. A model's
   * predictors stay as they are: picking the best patches gives them no gradient, so that weight
   * decay alone would move them.
   */
  default double learningRate(TrainingRun run, String parameter, double scheduled) {
    return parameter.contains(".predictor.") ? -1 : scheduled;
  }

  /**
   * One batch; its arrays go when the update is done.
   *
   * @param images normalised, (B, C, S, S)
   * @param labels class of each image, (B), int64
   */
  record Batch(NDArray images, NDArray labels) {}

  /** Gradients are there, not yet clipped: to be read, or changed in place. */
  default void afterBackward(TrainingRun run) {}

  /** Weights were updated and gradients zeroed: the place to apply masks again. */
  default void afterStep(TrainingRun run) {}

  /** The hook's memory, for a checkpoint. */
  default Map<String, Tensor> state() {
    return Map.of();
  }

  /** Takes its memory back, before the first step of a resumed run. */
  default void restore(Map<String, Tensor> state) {}
}
