package dev.espalier.datasets;

import java.util.Arrays;

/**
 * One part of a dataset.
 *
 * @param images pixels 0..255 as unsigned bytes, (N, C, S, S); shared, not copied, not to be
 *     changed
 * @param labels class of each image, (N); shared likewise
 */
public record Split(byte[] images, int[] labels) {

  public Split {
    if (labels.length == 0 || images.length % labels.length != 0) {
      throw new InvalidDatasetException(
          "expected equally many pixels for each image but found %d bytes for %d labels"
              .formatted(images.length, labels.length));
    }
  }

  /** Number of images, N. */
  public int size() {
    return labels.length;
  }

  /** Images {@code from} to {@code to - 1}, copied. */
  public Split slice(int from, int to) {
    return new Split(
        Arrays.copyOfRange(images, from * pixels(), to * pixels()),
        Arrays.copyOfRange(labels, from, to));
  }

  /** Bytes of one image, C * S * S. */
  int pixels() {
    return images.length / labels.length;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Split that
        && Arrays.equals(images, that.images)
        && Arrays.equals(labels, that.labels);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(images) + Arrays.hashCode(labels);
  }

  @Override
  public String toString() {
    return "Split[" + size() + " images]";
  }
}
