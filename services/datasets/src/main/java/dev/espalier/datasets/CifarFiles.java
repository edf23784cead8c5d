package dev.espalier.datasets;

import static dev.espalier.architecture.files.FileLimits.PART_BYTES;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * CIFAR-10 and CIFAR-100 as their authors' binary files: records of one label (CIFAR-100: the
 * coarse one, then the fine one, which is taken) and 3072 bytes of red, green, blue, 32x32 each.
 */
final class CifarFiles {

  static final int SIDE = 32;
  static final int CHANNELS = 3;
  private static final int PIXELS = CHANNELS * SIDE * SIDE;

  private CifarFiles() {}

  static boolean isThere(Path directory) {
    return Files.isRegularFile(directory.resolve("test_batch.bin"))
        || Files.isRegularFile(directory.resolve("train.bin"));
  }

  static Split train(Path directory) throws IOException {
    if (Files.isRegularFile(directory.resolve("train.bin"))) {
      return read(List.of(directory.resolve("train.bin")), 2, 100);
    }
    List<Path> batches = new ArrayList<>();
    for (int i = 1; i <= 5; i++) {
      batches.add(directory.resolve("data_batch_" + i + ".bin"));
    }
    return read(batches, 1, 10);
  }

  static Split test(Path directory) throws IOException {
    return Files.isRegularFile(directory.resolve("train.bin"))
        ? read(List.of(directory.resolve("test.bin")), 2, 100)
        : read(List.of(directory.resolve("test_batch.bin")), 1, 10);
  }

  private static Split read(List<Path> files, int labelBytes, int classes) throws IOException {
    int record = labelBytes + PIXELS;
    long size = 0;
    for (Path file : files) {
      long bytes = Files.size(file);
      if (bytes == 0 || bytes % record != 0) {
        throw new InvalidDatasetException(
            "%s: expected whole records of %d bytes but it has %d bytes"
                .formatted(file.getFileName(), record, bytes));
      }
      size += bytes / record;
    }
    if (size * PIXELS > PART_BYTES) {
      throw new InvalidDatasetException(
          "%s: expected at most %d bytes of pixels but found %d"
              .formatted(files.get(0).getFileName(), PART_BYTES, size * PIXELS));
    }
    byte[] images = new byte[(int) size * PIXELS];
    int[] labels = new int[(int) size];
    int next = 0;
    for (Path file : files) {
      byte[] bytes = Files.readAllBytes(file);
      for (int at = 0; at < bytes.length; at += record) {
        labels[next] = bytes[at + labelBytes - 1] & 0xff;
        if (labels[next] >= classes) {
          throw new InvalidDatasetException(
              "%s: expected labels in 0..%d but record %d has %d"
                  .formatted(file.getFileName(), classes - 1, at / record, labels[next]));
        }
        System.arraycopy(bytes, at + labelBytes, images, next * PIXELS, PIXELS);
        next++;
      }
    }
    return new Split(images, labels);
  }
}
