package dev.espalier.datasets;

import static dev.espalier.architecture.files.FileLimits.CLASSES;
import static dev.espalier.architecture.files.FileLimits.IMAGE_SIZE;

import dev.espalier.architecture.vit.LabelledImages;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.List;
import java.util.Map;

/**
 * Square images with one label each, in three splits, on the host.
 *
 * <p>Pixels stay bytes; {@link #batch} turns the images that are asked for into normalised floats.
 * Plans and checkpoints are chosen on {@code validation} only; {@code test} is for evaluation.
 *
 * @param name for people
 * @param channels C, 1 or 3
 * @param imageSize S, side in pixels
 * @param classes labels lie in 0..classes-1
 * @param mean per channel, of pixels scaled to [0, 1] over the whole set the training split comes
 *     from
 * @param std per channel, likewise
 */
public record ImageDataset(
    String name,
    int channels,
    int imageSize,
    int classes,
    List<Double> mean,
    List<Double> std,
    Split train,
    Split validation,
    Split test) {

  public ImageDataset {
    mean = List.copyOf(mean);
    std = List.copyOf(std);
    require(channels == 1 || channels == 3, "channels", "1 or 3", channels);
    require(imageSize >= 1 && imageSize <= IMAGE_SIZE, "imageSize", "1.." + IMAGE_SIZE, imageSize);
    require(classes >= 2 && classes <= CLASSES, "classes", "2.." + CLASSES, classes);
    require(mean.size() == channels, "mean", "one value per channel", mean);
    require(
        std.size() == channels && std.stream().allMatch(s -> s > 0 && Double.isFinite(s)),
        "std",
        "one positive value per channel",
        std);
    require(mean.stream().allMatch(Double::isFinite), "mean", "finite values", mean);
    Map<String, Split> splits = Map.of("train", train, "validation", validation, "test", test);
    for (Map.Entry<String, Split> split : splits.entrySet()) {
      int pixels = channels * imageSize * imageSize;
      int found = split.getValue().pixels();
      require(found == pixels, split.getKey(), pixels + " bytes an image", found);
      for (int label : split.getValue().labels()) {
        require(
            label >= 0 && label < classes, split.getKey(), "labels in 0.." + (classes - 1), label);
      }
    }
  }

  private static void require(boolean holds, String field, String expected, Object found) {
    if (!holds) {
      throw new InvalidDatasetException(
          "dataset %s: expected %s but found %s".formatted(field, expected, found));
    }
  }

  /**
   * For whoever is about to train or to measure on these images.
   *
   * @throws InvalidDatasetException where the model takes others, naming both
   */
  public void requireImagesOf(VitArchitecture model) {
    LabelledImages takes = LabelledImages.of(model);
    LabelledImages holds = new LabelledImages(channels, imageSize, classes);
    require(takes.equals(holds), '"' + name + '"', takes + ", as the model takes", holds);
  }

  /** Bytes of one image, C * S * S. */
  public int pixels() {
    return channels * imageSize * imageSize;
  }

  /**
   * The chosen images, normalised, unchanged otherwise.
   *
   * @param indices of images in {@code split}
   * @return (B, C, S, S) row-major
   */
  public float[] batch(Split split, int[] indices) {
    return batch(split, indices, Augmentation.NONE, 0, 0);
  }

  /**
   * The chosen images, augmented and normalised. An image's change depends only on (seed, epoch,
   * index), never on the batch around it, so that a resumed run sees the same pixels.
   *
   * @param indices of images in {@code split}
   * @param seed of the run
   * @param epoch from 0
   * @return (B, C, S, S) row-major
   */
  public float[] batch(
      Split split, int[] indices, Augmentation augmentation, long seed, int epoch) {
    float[] normalised = new float[channels * 256];
    for (int c = 0; c < channels; c++) {
      for (int value = 0; value < 256; value++) {
        normalised[c * 256 + value] = (float) ((value / 255.0 - mean.get(c)) / std.get(c));
      }
    }
    float[] out = new float[Math.multiplyExact(indices.length, pixels())];
    for (int i = 0; i < indices.length; i++) {
      augmentation.copy(this, split, indices[i], seed, epoch, normalised, out, i * pixels());
    }
    return out;
  }

  /** Labels of the chosen images, (B). */
  public int[] labels(Split split, int[] indices) {
    int[] labels = new int[indices.length];
    for (int i = 0; i < indices.length; i++) {
      labels[i] = split.labels()[indices[i]];
    }
    return labels;
  }
}
