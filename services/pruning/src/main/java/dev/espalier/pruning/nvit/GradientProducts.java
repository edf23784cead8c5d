package dev.espalier.pruning.nvit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.pruning.vit.VitModel;

/**
 * Sums of weight times gradient, taken on the model's device; only the sums come to the host.
 * Arrays live on the step's manager; gradients must not be recorded meanwhile.
 */
final class GradientProducts implements TaylorScores.Products {

  private final VitModel model;
  private final NDManager step;

  GradientProducts(VitModel model, NDManager step) {
    this.model = model;
    this.step = step;
  }

  @Override
  public float[] rows(String name) {
    NDArray product = product(name);
    long rows = product.getShape().get(0);
    return product.reshape(rows, -1).sum(new int[] {1}).toFloatArray();
  }

  @Override
  public float[] columns(String name) {
    NDArray product = product(name);
    long columns = product.getShape().get(product.getShape().dimension() - 1);
    return product.reshape(-1, columns).sum(new int[] {0}).toFloatArray();
  }

  private NDArray product(String name) {
    return model.gradient(name, step).mul(model.parameter(name)); // results follow the gradient
  }
}
