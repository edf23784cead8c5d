package dev.espalier.benchmarks;

import dev.espalier.datasets.Augmentation;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.ImageFolders;
import dev.espalier.datasets.PackDataset;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;

/**
 * Whether loading keeps up with training: JPEG files of an image folder decoded once, as they are
 * registered; augmented batches, as every step asks for them; and training steps on them, all in
 * one run on one thread, so that the ratios hold on a machine that does other things too.
 */
public final class LoadBench {

  private LoadBench() {}

  /**
   * {@code --files 300 --width 500 --height 375 --image 224 --patch 16 --dim 192 --depth 12 --heads
   * 3 --batch 32 --seconds 15}; the files are made, 300 of 500 x 375 pixels.
   */
  public static void main(String[] words) throws IOException {
    Arguments given = Arguments.of(words);
    int files = given.integer("files", 300);
    int width = given.integer("width", 500);
    int height = given.integer("height", 375);
    int image = given.integer("image", 224);
    int patch = given.integer("patch", 16);
    int dim = given.integer("dim", 192);
    int depth = given.integer("depth", 12);
    int heads = given.integer("heads", 3);
    int batch = given.integer("batch", 32);
    double seconds = given.number("seconds", 15);
    given.refuseRest();
    Path folder = Files.createTempDirectory("load-bench");
    try {
      write(folder, files, width, height);
      print("%d files of %d x %d pixels, image size %d, 1 thread", files, width, height, image);
      long start = System.nanoTime();
      ImageDataset dataset = pack(folder, image);
      double decoded = files * 1e9 / (System.nanoTime() - start);
      print("decoded, resized, cut: %.0f images/s, once for a dataset", decoded);
      double plain = batches(dataset, Augmentation.CROP_FLIP, batch, seconds);
      print("batches with crop-flip: %.0f images/s", plain);
      double augmented = batches(dataset, Augmentation.RAND_AUGMENT, batch, seconds);
      print("batches with rand-augment: %.0f images/s", augmented);
      double trained = trained(image, patch, dim, depth, heads, batch, seconds);
      print("training d %d x %d, patch %d: %.1f images/s", dim, depth, patch, trained);
      print(
          "loading / training: decoding %.1f, crop-flip %.1f, rand-augment %.1f",
          decoded / trained, plain / trained, augmented / trained);
    } finally {
      delete(folder);
    }
  }

  static ImageDataset pack(Path folder, int image) throws IOException {
    return ImageFolders.pack(
            new ImageFolders.Request(
                new PackDataset.Request(folder, "files", 0, 0, 0, 1),
                image,
                image * 256 / 224,
                3,
                ImageFolders.Broken.REFUSE,
                Optional.empty()))
        .dataset();
  }

  /** Images per second of batches as training steps ask for them. */
  static double batches(
      ImageDataset dataset, Augmentation augmentation, int batch, double seconds) {
    int[] indices = new int[batch];
    int size = dataset.train().size();
    int[] next = {0};
    return Stopwatch.measure(
            () -> {
              for (int i = 0; i < batch; i++) {
                indices[i] = next[0]++ % size;
              }
              dataset.batch(dataset.train(), indices, augmentation, 1, next[0] / size);
            },
            () -> {},
            batch,
            seconds / 3,
            3)
        .imagesPerSecond();
  }

  private static double trained(
      int image, int patch, int dim, int depth, int heads, int batch, double seconds) {
    Map<String, Object> training =
        VitBench.run(
            VitBench.Mode.TRAIN,
            new BenchOptions(
                image,
                patch,
                3,
                1000,
                dim,
                depth,
                heads,
                0,
                batch,
                1,
                3,
                seconds / 3,
                "fp32",
                "cpu",
                "text"));
    return ((Number) training.get("images_per_s")).doubleValue();
  }

  /** Pictures of overlapping shapes over noise: neither flat nor pure noise for a decoder. */
  static void write(Path folder, int files, int width, int height) throws IOException {
    Random random = new Random(1);
    for (int f = 0; f < files; f++) {
      BufferedImage picture = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
      for (int i = 0; i < width * height; i++) {
        int grey = 96 + random.nextInt(32);
        picture.setRGB(i % width, i / width, grey << 16 | grey << 8 | grey);
      }
      Graphics2D pen = picture.createGraphics();
      for (int shape = 0; shape < 40; shape++) {
        pen.setColor(new Color(random.nextInt(0x1000000)));
        int x = random.nextInt(width);
        int y = random.nextInt(height);
        pen.fillOval(x, y, 1 + random.nextInt(width / 3), 1 + random.nextInt(height / 3));
      }
      pen.dispose();
      Path directory = Files.createDirectories(folder.resolve("class-" + f % 4));
      File file = directory.resolve("image-%05d.jpg".formatted(f)).toFile();
      if (!ImageIO.write(picture, "jpg", file)) {
        throw new IOException("this Java writes no JPEG");
      }
    }
  }

  static void delete(Path folder) throws IOException {
    List<Path> all;
    try (Stream<Path> files = Files.walk(folder)) {
      all = files.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : all) {
      Files.delete(file);
    }
  }

  private static void print(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }
}
