package dev.espalier.pruning.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;

/** Puts images of a dataset on the device. */
final class TestImages {

  private TestImages() {}

  /** Those images on {@code manager}, normalised, (B, C, S, S). */
  static NDArray load(NDManager manager, ImageDataset dataset, Split split, int[] indices) {
    int side = dataset.imageSize();
    return manager.create(
        dataset.batch(split, indices), new Shape(indices.length, dataset.channels(), side, side));
  }
}
