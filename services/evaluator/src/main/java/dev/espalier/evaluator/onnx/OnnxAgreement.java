package dev.espalier.evaluator.onnx;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.evaluation.ScoreAgreement;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitModel;
import java.util.stream.IntStream;

/** How far ONNX Runtime and DJL are apart on the same images. */
public final class OnnxAgreement {

  private OnnxAgreement() {}

  /** Compares on the first images of a split, both in float32. */
  public static ScoreAgreement of(
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
    try (VitEngine engine = VitEngine.reference();
        NDManager manager = tensors.newManager()) {
      Shape shape = new Shape(count, dataset.channels(), side, side);
      float[] expected = engine.logits(model, manager.create(pixels, shape)).toFloatArray();
      return ScoreAgreement.NONE.and(count, rows(found), expected);
    }
  }

  private static float[] rows(float[][] scores) {
    int classes = scores[0].length;
    float[] rows = new float[scores.length * classes];
    for (int i = 0; i < scores.length; i++) {
      System.arraycopy(scores[i], 0, rows, i * classes, classes);
    }
    return rows;
  }
}
