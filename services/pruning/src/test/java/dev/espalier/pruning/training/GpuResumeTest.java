package dev.espalier.pruning.training;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.datasets.Augmentation;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.OnGpu;
import dev.espalier.pruning.TestDevice;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A training on a GPU goes on from its checkpoint as if it had never stopped. */
@OnGpu
class GpuResumeTest {

  private static final TensorEngine TENSORS = TensorEngine.start(TestDevice.settings());

  /**
   * With few tokens and with more than 64, where attention is the library's fused kernel.
   *
   * @param side of the images, in patches of 2
   */
  @ParameterizedTest
  @CsvSource({"8,FP32", "8,BF16", "20,FP32", "20,BF16"})
  void resumesToTheBit(int side, Precision precision) {
    Pair ends = ends(side, precision);
    assertThat(ends.resumed().toBytes()).isEqualTo(ends.whole().toBytes());
  }

  /** Of a run that was never stopped, and of one that was stopped halfway. */
  private record Pair(TrainingCheckpoint whole, TrainingCheckpoint resumed) {}

  /**
   * Trains twice.
   *
   * @param side of the images, in patches of 2
   */
  private static Pair ends(int side, Precision precision) {
    VitArchitecture vit = VitArchitecture.uniform(side, 2, 1, 5, 64, 3, 4, 128);
    ImageDataset noise = noise(side);
    TrainingCheckpoint whole;
    TrainingCheckpoint half;
    try (VitEngine engine = VitEngine.fast(TENSORS, precision);
        VitModel model = VitModel.trainable(TENSORS, VitInitializer.weights(vit, 3));
        TrainingRun run =
            TrainingRun.of(TENSORS, engine, model, noise, recipe(precision)).start()) {
      run.run(() -> run.steps() == 5);
      half = TrainingCheckpoint.fromBytes(run.checkpoint().toBytes());
      run.run(() -> false);
      whole = run.checkpoint();
    }
    try (VitEngine engine = VitEngine.fast(TENSORS, precision);
        VitModel model = VitModel.trainable(TENSORS, VitInitializer.weights(vit, 4));
        TrainingRun run =
            TrainingRun.of(TENSORS, engine, model, noise, recipe(precision)).resume(half)) {
      run.run(() -> false);
      return new Pair(whole, run.checkpoint());
    }
  }

  @Test
  void copiesForTheHostDoNotPileUp() {
    VitArchitecture vit = VitArchitecture.uniform(8, 2, 1, 5, 64, 3, 4, 128);
    try (VitEngine engine = VitEngine.fast(TENSORS, Precision.FP32);
        VitModel model = VitModel.trainable(TENSORS, VitInitializer.weights(vit, 3));
        TrainingRun run =
            TrainingRun.of(TENSORS, engine, model, noise(8), recipe(Precision.FP32)).start()) {
      run.step();
      run.checkpoint();
      int before = model.manager().getManagedArrays().size();
      for (int i = 0; i < 3; i++) {
        run.step();
        run.checkpoint();
      }
      assertThat(model.manager().getManagedArrays()).hasSize(before);
    }
  }

  private static TrainingRecipe recipe(Precision precision) {
    return new TrainingRecipe(
        2, 16, 1e-3, 0.05, 0, 0.1, 1, 0, 1, Augmentation.CROP_FLIP, precision, 1, 7);
  }

  private static ImageDataset noise(int side) {
    return new ImageDataset(
        "noise",
        1,
        side,
        5,
        List.of(0.5),
        List.of(0.3),
        split(side, 96),
        split(side, 16),
        split(side, 16));
  }

  private static Split split(int side, int images) {
    byte[] pixels = new byte[images * side * side];
    new Random(images).nextBytes(pixels);
    int[] labels = new int[images];
    for (int i = 0; i < images; i++) {
      labels[i] = i % 5;
    }
    return new Split(pixels, labels);
  }
}
