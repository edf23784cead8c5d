package dev.espalier.evaluator.onnx;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitModel;
import java.util.stream.IntStream;

/**
 * How far ONNX Runtime and DJL are apart on the same images.
 *
 * @param images that were compared
 * @param differing of those, with a class score further apart than {@link #TOLERANCE}
 * @param maxAbsDifference largest difference of a class score; not a number where a score is not
 */
public record OnnxAgreement(int images, int differing, double maxAbsDifference) {

  /** Largest difference of a class score that rounding may make. */
  public static final double TOLERANCE = 1e-4;

  /**
   * Share of images whose selected tokens may differ: where the odds of two patches agree to
   * rounding, two libraries may keep either.
   */
  private static final double SELECTING_TOLERANCE = 1.0 / 32;

  /** Compares on the first images of a split, both in float32. */
  public static OnnxAgreement of(
      TensorEngine tensors,
      VitModel model,
      OnnxModel exported,
      ImageDataset dataset,
      Split split,
      int most) {
    int count = Math.min(most, split.size());
    int side = dataset.imageSize();
    float[] pixels = dataset.batch(split, IntStream.range(0, count).toArray());
    float[][] found = exported.scores(pixels, count, dataset.channels(), side);
    float[] expected;
    try (VitEngine engine = VitEngine.reference();
        NDManager manager = tensors.newManager()) {
      Shape shape = new Shape(count, dataset.channels(), side, side);
      expected = engine.logits(model, manager.create(pixels, shape)).toFloatArray();
    }
    double largest = 0;
    int differing = 0;
    for (int i = 0; i < count; i++) {
      double own = 0;
      for (int c = 0; c < found[i].length; c++) {
        // Math.max keeps NaN.
        own = Math.max(own, Math.abs((double) found[i][c] - expected[i * found[i].length + c]));
      }
      differing += own <= TOLERANCE ? 0 : 1;
      largest = Math.max(largest, own);
    }
    return new OnnxAgreement(count, differing, largest);
  }

  /**
   * Whether the export computes what the model computes.
   *
   * @param selects whether the model selects tokens by image
   */
  public boolean holds(boolean selects) {
    return differing <= (selects ? images * SELECTING_TOLERANCE : 0);
  }
}
