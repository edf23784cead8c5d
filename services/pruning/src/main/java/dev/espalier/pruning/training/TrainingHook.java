package dev.espalier.pruning.training;

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
