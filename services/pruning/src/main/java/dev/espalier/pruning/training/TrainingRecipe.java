package dev.espalier.pruning.training;

import dev.espalier.datasets.Augmentation;
import dev.espalier.datasets.Mixing;
import dev.espalier.pruning.engine.Objective;
import dev.espalier.pruning.tensor.Precision;

/**
 * How a model is trained. Two runs with equal recipes, on equal weights, data and library, give
 * equal bits.
 *
 * @param epochs passes over the training images, at least 1
 * @param batchSize images of one update; the last batch of an epoch may be smaller
 * @param learningRate the highest, reached after the warm-up
 * @param weightDecay decoupled decay of weight matrices; vectors, tokens and positions are spared
 * @param warmupEpochs linear rise from 0; a share of an epoch is fine
 * @param labelSmoothing share of the target spread evenly over all classes, in [0, 1)
 * @param clipNorm greatest global norm of the gradients; 0 for no clipping
 * @param distillationWeight coefficient of the batch-mean divergence from the teacher; 0 for none
 * @param distillationTemperature of that divergence
 * @param augmentation of training images
 * @param precision of the large products
 * @param threads of one operation; part of the recipe because it changes results bitwise
 * @param seed of order and augmentation
 * @param mixing what is done to whole batches
 */
public record TrainingRecipe(
    int epochs,
    int batchSize,
    double learningRate,
    double weightDecay,
    double warmupEpochs,
    double labelSmoothing,
    double clipNorm,
    double distillationWeight,
    double distillationTemperature,
    Augmentation augmentation,
    Precision precision,
    int threads,
    long seed,
    Mixing mixing) {

  /** A recipe that leaves batches as they are. */
  public TrainingRecipe(
      int epochs,
      int batchSize,
      double learningRate,
      double weightDecay,
      double warmupEpochs,
      double labelSmoothing,
      double clipNorm,
      double distillationWeight,
      double distillationTemperature,
      Augmentation augmentation,
      Precision precision,
      int threads,
      long seed) {
    this(
        epochs,
        batchSize,
        learningRate,
        weightDecay,
        warmupEpochs,
        labelSmoothing,
        clipNorm,
        distillationWeight,
        distillationTemperature,
        augmentation,
        precision,
        threads,
        seed,
        Mixing.NONE);
  }

  public TrainingRecipe {
    require(epochs >= 1, "epochs", "at least 1", epochs);
    require(batchSize >= 1, "batchSize", "at least 1", batchSize);
    require(learningRate > 0, "learningRate", "above 0", learningRate);
    require(weightDecay >= 0, "weightDecay", "at least 0", weightDecay);
    require(warmupEpochs >= 0 && warmupEpochs <= epochs, "warmupEpochs", "0..epochs", warmupEpochs);
    require(clipNorm >= 0, "clipNorm", "at least 0", clipNorm);
    require(threads >= 1, "threads", "at least 1", threads);
    new Objective(labelSmoothing, distillationWeight, distillationTemperature);
  }

  private static void require(boolean holds, String field, String expected, Object found) {
    if (!holds) {
      throw new IllegalArgumentException(
          "recipe %s must be %s but is %s".formatted(field, expected, found));
    }
  }

  /** Loss of a batch under this recipe. */
  public Objective objective() {
    return new Objective(labelSmoothing, distillationWeight, distillationTemperature);
  }

  /** Updates in one epoch over that many images. */
  public int batches(int images) {
    return (images + batchSize - 1) / batchSize;
  }
}
