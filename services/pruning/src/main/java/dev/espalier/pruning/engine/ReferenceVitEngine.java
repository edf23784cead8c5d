package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.Map;

/** Plain array operations, one call of the library for each: the engine that others must equal. */
public final class ReferenceVitEngine implements VitEngine {

  @Override
  public NDArray logits(VitModel model, NDArray images, Gates gates) {
    try (GradientMode off = GradientMode.off()) {
      return VitForward.logits(model, images, gates);
    }
  }

  @Override
  public BatchResult backward(
      VitModel model,
      NDArray images,
      NDArray labels,
      Objective objective,
      NDArray teacherLogits,
      Gates gates) {
    try (GradientMode recording = GradientMode.recording()) {
      NDArray logits = VitForward.logits(model, images, gates); // (B, classes)
      NDArray loss = crossEntropy(logits, labels, objective.labelSmoothing()); // ()
      if (objective.distils()) {
        loss = loss.add(divergence(logits, teacherLogits, objective)); // ()
      }
      TensorEngine.backward(loss);
      return new BatchResult(loss.getFloat(), logits.stopGradient());
    }
  }

  /**
   * Cross entropy, batch mean.
   *
   * @param logits (B, classes)
   * @param labels class of each image, (B), or shares of classes, (B, classes)
   * @param smoothing share of the target spread evenly over all classes
   * @return a scalar with a graph
   */
  public static NDArray crossEntropy(NDArray logits, NDArray labels, double smoothing) {
    int classes = Math.toIntExact(logits.getShape().get(1));
    NDArray smooth = logits.getManager().full(new Shape(), (float) (smoothing / classes));
    NDArray sharp = logits.getManager().full(new Shape(), (float) (1 - smoothing));
    boolean shares = labels.getShape().dimension() == 2;
    NDArray hot = shares ? labels : labels.oneHot(classes, DataType.FLOAT32); // (B, classes)
    NDArray target = hot.mul(sharp).add(smooth); // (B, classes)
    return batchMean(target.mul(logits.logSoftmax(1)).neg());
  }

  /**
   * KL(teacher || student), batch mean, times the objective's weight.
   *
   * @param logits of the student, (B, classes)
   * @param teacherLogits (B, classes)
   * @return a scalar with a graph
   */
  public static NDArray divergence(NDArray logits, NDArray teacherLogits, Objective objective) {
    NDManager manager = logits.getManager();
    NDArray inverse = manager.full(new Shape(), (float) (1 / objective.distillationTemperature()));
    NDArray weight = manager.full(new Shape(), (float) objective.distillationWeight());
    NDArray teacher = teacherLogits.mul(inverse).logSoftmax(1); // (B, classes)
    NDArray student = logits.mul(inverse).logSoftmax(1); // (B, classes)
    return batchMean(teacher.exp().mul(teacher.sub(student))).mul(weight);
  }

  /** Sum of all entries over the number of images. */
  private static NDArray batchMean(NDArray perImage) {
    float share = 1f / perImage.getShape().get(0);
    return perImage.sum().mul(perImage.getManager().full(new Shape(), share));
  }

  @Override
  public AdamW newOptimizer(VitModel model, Map<String, NDArray> others, AdamWSettings settings) {
    return new ReferenceAdamW(model, others, settings);
  }

  @Override
  public void close() {}
}
