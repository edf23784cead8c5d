package dev.espalier.pruning;

import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.Augmentation;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.training.TrainingRecipe;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A ViT small enough to train in a test: 8x8 images of five noisy patterns, d 32, 3 blocks, 4 heads
 * of width 16, 64 hidden units. It is trained once per test process.
 */
public final class TrainedTinyVit {

  public static final TensorEngine TENSORS = TensorEngine.start(TestDevice.settings());
  public static final VitArchitecture SHAPE =
      new VitArchitecture(
          8, 2, 1, 5, 1, 32, 16, 1e-6, Collections.nCopies(3, BlockShape.msa(4, 16, 16, 64)));
  public static final ImageDataset DATASET =
      new ImageDataset(
          "patterns",
          1,
          8,
          SHAPE.classes(),
          List.of(0.5),
          List.of(0.3),
          split(640, 1),
          split(160, 2),
          split(160, 3));
  public static final SearchRequest.Images IMAGES =
      new SearchRequest.Images(DATASET, TENSORS, 1, Precision.FP32);

  private static VitWeights trained;

  private TrainedTinyVit() {}

  /** The weights after 300 updates. */
  public static synchronized VitWeights weights() {
    if (trained == null) {
      TrainingRecipe recipe =
          new TrainingRecipe(
              15, 32, 2e-3, 0.05, 1, 0, 1, 0, 1, Augmentation.NONE, Precision.FP32, 1, 0);
      try (VitEngine engine = VitEngine.fast(TENSORS, Precision.FP32);
          VitModel model = VitModel.trainable(TENSORS, VitInitializer.weights(SHAPE, 0));
          TrainingRun run = TrainingRun.of(TENSORS, engine, model, DATASET, recipe).start()) {
        run.run(() -> false);
        trained = model.weights();
      }
    }
    return trained;
  }

  /** Patterns of the class, drawn from a seed of their own, half drowned in noise. */
  private static Split split(int images, long seed) {
    SplittableRandom patterns = new SplittableRandom(77);
    int pixels = 64;
    double[][] pattern = new double[SHAPE.classes()][pixels];
    for (double[] one : pattern) {
      for (int i = 0; i < pixels; i++) {
        one[i] = patterns.nextDouble();
      }
    }
    SplittableRandom noise = new SplittableRandom(seed);
    byte[] bytes = new byte[images * pixels];
    int[] labels = new int[images];
    for (int n = 0; n < images; n++) {
      labels[n] = n % SHAPE.classes();
      double contrast = 0.2 + 0.5 * noise.nextDouble();
      for (int i = 0; i < pixels; i++) {
        double value = contrast * pattern[labels[n]][i] + (1 - contrast) * noise.nextDouble();
        bytes[n * pixels + i] = (byte) (int) (255 * value);
      }
    }
    return new Split(bytes, labels);
  }
}
