package dev.espalier.pruning.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** Accuracy and loss of a model on the images of a split, as they are. */
public final class Evaluator {

  private final TensorEngine tensors;
  private final VitEngine engine;
  private final int batchSize;

  /**
   * An evaluator.
   *
   * @param batchSize images of one forward pass
   */
  public Evaluator(TensorEngine tensors, VitEngine engine, int batchSize) {
    this.tensors = tensors;
    this.engine = engine;
    this.batchSize = batchSize;
  }

  /** Judges a model. */
  public Evaluation evaluate(VitModel model, ImageDataset dataset, Split split) {
    return evaluate(model, Gates.NONE, dataset, split);
  }

  /** Judges a masked model. */
  public Evaluation evaluate(VitModel model, Gates gates, ImageDataset dataset, Split split) {
    return evaluate(images -> engine.logits(model, images, gates), dataset, split);
  }

  /**
   * Judges whatever gives class scores, (B, classes), for images (B, C, S, S). Ties between classes
   * go to the lower index.
   */
  public Evaluation evaluate(UnaryOperator<NDArray> logits, ImageDataset dataset, Split split) {
    int top1 = 0;
    int top5 = 0;
    double loss = 0;
    for (int from = 0; from < split.size(); from += batchSize) {
      int[] indices = IntStream.range(from, Math.min(from + batchSize, split.size())).toArray();
      int[] labels = dataset.labels(split, indices);
      float[] scores = scores(logits, dataset, split, indices);
      for (int i = 0; i < labels.length; i++) {
        int offset = i * dataset.classes();
        int rank = rank(scores, offset, dataset.classes(), labels[i]);
        top1 += rank == 0 ? 1 : 0;
        top5 += rank < 5 ? 1 : 0;
        loss += crossEntropy(scores, offset, dataset.classes(), labels[i]);
      }
    }
    double n = split.size();
    return new Evaluation(top1 / n, top5 / n, loss / n, split.size());
  }

  private float[] scores(
      UnaryOperator<NDArray> logits, ImageDataset dataset, Split split, int[] indices) {
    try (NDManager batch = tensors.newManager()) {
      Shape shape =
          new Shape(indices.length, dataset.channels(), dataset.imageSize(), dataset.imageSize());
      NDArray images = batch.create(dataset.batch(split, indices), shape);
      return logits.apply(images).toFloatArray();
    }
  }

  /** How many classes come before the right one; NaN scores come first. */
  private static int rank(float[] scores, int offset, int classes, int label) {
    float right = scores[offset + label];
    int before = 0;
    for (int c = 0; c < classes; c++) {
      float other = scores[offset + c];
      boolean ahead = !(other <= right) || (other == right && c < label);
      before += c != label && ahead ? 1 : 0;
    }
    return Float.isNaN(right) ? classes : before;
  }

  private static double crossEntropy(float[] scores, int offset, int classes, int label) {
    double max = Double.NEGATIVE_INFINITY;
    for (int c = 0; c < classes; c++) {
      max = Math.max(max, scores[offset + c]);
    }
    double sum = 0;
    for (int c = 0; c < classes; c++) {
      sum += Math.exp(scores[offset + c] - max);
    }
    return max + Math.log(sum) - scores[offset + label];
  }
}
