package dev.espalier.pruning.training;

/** Learning rate of an update, as a function of its number. */
@FunctionalInterface
public interface LearningRate {

  /** Share of the highest rate at which the cosine ends. */
  double FINAL_SHARE = 0.01;

  /** Rate of update {@code step}, counted from 0. */
  double at(long step);

  /** The same rate throughout. */
  static LearningRate constant(double rate) {
    return step -> rate;
  }

  /** Linear warm-up, then half a cosine down to one percent of the recipe's rate. */
  static LearningRate warmUpThenCosine(TrainingRecipe recipe, int images) {
    int batches = recipe.batches(images);
    double warmUp = recipe.warmupEpochs() * batches;
    double total = (double) recipe.epochs() * batches;
    double peak = recipe.learningRate();
    double last = peak * FINAL_SHARE;
    return step -> {
      if (step + 1 < warmUp) {
        return peak * (step + 1) / warmUp;
      }
      double progress = Math.min(1, (step - warmUp) / Math.max(1, total - warmUp));
      double cosine = (1 + StrictMath.cos(Math.PI * Math.max(0, progress))) / 2;
      return last + (peak - last) * cosine;
    };
  }
}
