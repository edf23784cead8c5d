package dev.espalier.pruning.training;

/** Told how a training goes. Called on the training thread; must not change anything. */
public interface TrainingObserver {

  /** Nobody looks. */
  TrainingObserver NONE = new TrainingObserver() {};

  /**
   * An update was made.
   *
   * @param step updates so far
   * @param totalSteps updates of the whole run
   * @param gradientNorm global norm before clipping
   * @param imagesPerSecond of this update alone
   */
  default void onStep(
      long step,
      long totalSteps,
      double loss,
      double learningRate,
      double gradientNorm,
      double imagesPerSecond) {}

  /**
   * An epoch ended.
   *
   * @param epoch epochs so far
   * @param validation of the model on the validation split
   */
  default void onEpoch(int epoch, Evaluation validation) {}
}
