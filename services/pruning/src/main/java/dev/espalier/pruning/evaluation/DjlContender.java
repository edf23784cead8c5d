package dev.espalier.pruning.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitModel;

/** A model in one of our engines; engine and model stay the caller's. */
public record DjlContender(TensorEngine tensors, VitEngine engine, VitModel model)
    implements Contender {

  @Override
  public Pass open(float[] pixels, int batch, int channels, int side) {
    NDManager session = tensors.newManager();
    NDArray images = session.create(pixels, new Shape(batch, channels, side, side));
    return new Pass() {
      @Override
      public long nanoseconds() {
        try (NDManager step = session.newSubManager()) {
          NDArray input = images.reshape(images.getShape()); // results go to its manager
          input.attach(step);
          long start = System.nanoTime();
          engine.logits(model, input).toFloatArray();
          return System.nanoTime() - start;
        }
      }

      @Override
      public void close() {
        session.close();
      }
    };
  }
}
