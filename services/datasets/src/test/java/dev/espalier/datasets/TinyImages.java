package dev.espalier.datasets;

import java.util.Collections;
import java.util.List;
import java.util.Random;

/** A dataset of 4x4 images in three classes. */
final class TinyImages {

  private TinyImages() {}

  static ImageDataset dataset(int channels) {
    List<Double> halves = Collections.nCopies(channels, 0.5);
    return new ImageDataset(
        "tiny",
        channels,
        4,
        3,
        halves,
        halves,
        split(channels, 12, 1),
        split(channels, 6, 2),
        split(channels, 6, 3));
  }

  private static Split split(int channels, int size, long seed) {
    byte[] images = new byte[size * channels * 16];
    new Random(seed).nextBytes(images);
    int[] labels = new int[size];
    for (int i = 0; i < size; i++) {
      labels[i] = i % 3;
    }
    return new Split(images, labels);
  }
}
