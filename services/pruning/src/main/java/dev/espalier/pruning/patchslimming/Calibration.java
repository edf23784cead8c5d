package dev.espalier.pruning.patchslimming;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.EpochOrder;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.lang.ref.SoftReference;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The images that scores and errors are taken over, and what the unpruned model makes of them. They
 * are never augmented: a position must mean the same in each of them.
 */
final class Calibration implements AutoCloseable {

  private final SearchRequest.Images images;
  private final VitModel original;
  private final int[] chosen;
  private final int batchSize;

  /**
   * Features by block, -1 for the embedded tokens, (n, T, d); made again where they were let go.
   */
  private final Map<Integer, SoftReference<float[]>> features = new HashMap<>();

  /** Images drawn from the training split by the seed. */
  Calibration(SearchRequest.Images images, VitWeights base, int count, int batchSize, long seed) {
    this.images = images;
    this.original = VitModel.frozen(images.tensors(), base);
    int[] order = EpochOrder.of(images.dataset().train().size(), seed, 0);
    this.chosen = Arrays.copyOf(order, Math.min(count, order.length));
    this.batchSize = batchSize;
  }

  int batches() {
    return (chosen.length + batchSize - 1) / batchSize;
  }

  int size() {
    return chosen.length;
  }

  /** Places among the chosen images of one batch, in their order. */
  int[] batch(int number) {
    return batch(number, null);
  }

  /** The same in the order of one epoch of training. */
  int[] batch(int number, int[] order) {
    int from = number * batchSize;
    int[] places = new int[Math.min(batchSize, chosen.length - from)];
    for (int i = 0; i < places.length; i++) {
      places[i] = order == null ? from + i : order[from + i];
    }
    return places;
  }

  /**
   * Rows of the unpruned model's features.
   *
   * @param block -1 for the embedded tokens
   * @param places of images
   * @param tokens positions
   * @return (images, tokens, d)
   */
  NDArray features(NDManager manager, int block, int[] places, List<Integer> tokens) {
    int T = original.architecture().tokens();
    int d = original.architecture().embedding();
    float[] all = features(block);
    float[] some = new float[places.length * tokens.size() * d];
    for (int i = 0; i < places.length; i++) {
      for (int t = 0; t < tokens.size(); t++) {
        System.arraycopy(
            all, (places[i] * T + tokens.get(t)) * d, some, (i * tokens.size() + t) * d, d);
      }
    }
    return manager.create(some, new Shape(places.length, tokens.size(), d));
  }

  /** Mean square of the features of those tokens, over all images. */
  double meanSquare(int block, List<Integer> tokens) {
    int T = original.architecture().tokens();
    int d = original.architecture().embedding();
    float[] all = features(block);
    double sum = 0;
    for (int i = 0; i < chosen.length; i++) {
      for (int token : tokens) {
        for (int c = 0; c < d; c++) {
          double value = all[(i * T + token) * d + c];
          sum += value * value;
        }
      }
    }
    return sum / ((double) chosen.length * tokens.size() * d);
  }

  private float[] features(int block) {
    SoftReference<float[]> kept = features.get(block);
    float[] known = kept == null ? null : kept.get();
    if (known != null) {
      return known;
    }
    Map<Integer, float[]> made = new HashMap<>();
    VitArchitecture vit = original.architecture();
    int length = vit.tokens() * vit.embedding();
    try (GradientMode off = GradientMode.off()) {
      for (int b = 0; b < batches(); b++) {
        int[] places = batch(b);
        try (NDManager manager = images.tensors().newManager()) {
          VitForward forward = new VitForward(original, Gates.NONE, (name, value) -> {});
          NDArray x = forward.embed(pixels(manager, places));
          for (int l = -1; l < vit.depth(); l++) {
            x = l < 0 ? x : forward.block(l, x);
            float[] all = made.computeIfAbsent(l, key -> new float[chosen.length * length]);
            float[] here = x.toFloatArray();
            System.arraycopy(here, 0, all, places[0] * length, here.length);
          }
        }
      }
    }
    made.forEach((l, all) -> features.put(l, new SoftReference<>(all)));
    return made.get(block);
  }

  private NDArray pixels(NDManager manager, int[] places) {
    ImageDataset dataset = images.dataset();
    int[] indices = Arrays.stream(places).map(place -> chosen[place]).toArray();
    Shape shape =
        new Shape(indices.length, dataset.channels(), dataset.imageSize(), dataset.imageSize());
    return manager.create(dataset.batch(dataset.train(), indices), shape);
  }

  @Override
  public void close() {
    original.close();
  }
}
