package dev.espalier.datasets;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Packs a directory of IDX files, named as MNIST's are, or of CIFAR's binary files into one dataset
 * artifact.
 *
 * <p>The training file is split into training and validation images, class by class, and each part
 * may be a stratified subset: as many images of each class as its share asks for, drawn by the seed
 * and kept in the order of the source. Mean and deviation are those of the chosen training images.
 */
public final class PackDataset {

  /** Validation images that are set aside where the request does not say. */
  private static final double DEFAULT_VALIDATION_SHARE = 1.0 / 12;

  private static final long TRAIN_PURPOSE = 0x747261696eL;
  private static final long TEST_PURPOSE = 0x74657374L;

  private PackDataset() {}

  /**
   * What to pack.
   *
   * @param directory holds CIFAR's binary files, or {@code train-images-idx3-ubyte}, {@code
   *     train-labels-idx1-ubyte}, {@code t10k-images-idx3-ubyte} and {@code
   *     t10k-labels-idx1-ubyte}, plain or with {@code .gz}
   * @param name for people
   * @param train images to take; 0 for all that validation leaves
   * @param validation images to set aside from the training file; 0 for a twelfth of it
   * @param test images to take; 0 for all
   * @param seed of the draw
   */
  public record Request(
      Path directory, String name, int train, int validation, int test, long seed) {

    public Request {
      if (train < 0 || validation < 0 || test < 0) {
        throw new IllegalArgumentException(
            "expected counts of images >= 0 but found train %d, validation %d, test %d"
                .formatted(train, validation, test));
      }
    }
  }

  /** Whether the directory holds IDX or CIFAR files rather than images one by one. */
  public static boolean isThere(Path directory) throws IOException {
    try (var files = Files.newDirectoryStream(directory, "*-{images,labels}-idx?-ubyte*")) {
      return CifarFiles.isThere(directory) || files.iterator().hasNext();
    }
  }

  /** Reads and draws; writes nothing. */
  public static ImageDataset pack(Request request) throws IOException {
    boolean cifar = CifarFiles.isThere(request.directory());
    Split source =
        cifar ? CifarFiles.train(request.directory()) : read(request.directory(), "train");
    Split testSource =
        cifar ? CifarFiles.test(request.directory()) : read(request.directory(), "t10k");
    if (testSource.pixels() != source.pixels()) {
      throw new InvalidDatasetException(
          "t10k: expected images of %d bytes as in train but found %d"
              .formatted(source.pixels(), testSource.pixels()));
    }
    int channels = cifar ? CifarFiles.CHANNELS : channels(request.directory());
    int side = (int) Math.round(Math.sqrt(source.pixels() / (double) channels));
    int classes = Math.max(2, Arrays.stream(source.labels()).max().orElseThrow() + 1);

    int validation =
        request.validation() > 0
            ? request.validation()
            : (int) (source.size() * DEFAULT_VALIDATION_SHARE);
    int train = request.train() > 0 ? request.train() : source.size() - validation;
    int test = request.test() > 0 ? request.test() : testSource.size();
    int[][] parts =
        stratified(
            source.labels(), classes, new int[] {train, validation}, TRAIN_PURPOSE, request.seed());
    int[][] testParts =
        stratified(testSource.labels(), classes, new int[] {test}, TEST_PURPOSE, request.seed());
    Split chosen = choose(source, parts[0]);
    double[][] moments = moments(chosen, channels);
    return new ImageDataset(
        request.name(),
        channels,
        side,
        classes,
        Arrays.stream(moments[0]).boxed().toList(),
        Arrays.stream(moments[1]).boxed().toList(),
        chosen,
        choose(source, parts[1]),
        choose(testSource, testParts[0]));
  }

  private static int channels(Path directory) throws IOException {
    int[] shape = IdxFile.read(find(directory, "train-images")).shape();
    return shape.length == 4 ? shape[1] : 1;
  }

  private static Split read(Path directory, String part) throws IOException {
    Path imagesPath = find(directory, part + "-images");
    IdxFile images = IdxFile.read(imagesPath);
    IdxFile labels = IdxFile.read(find(directory, part + "-labels"));
    return DatasetArtifact.split(images, labels, part);
  }

  /** The one file that begins with {@code prefix}, so that rank and suffix may vary. */
  private static Path find(Path directory, String prefix) throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new InvalidDatasetException(
          "expected a directory of IDX files but found none at " + directory);
    }
    List<Path> found = new ArrayList<>();
    try (var files = Files.newDirectoryStream(directory, prefix + "-idx?-ubyte*")) {
      files.forEach(found::add);
    }
    if (found.size() != 1) {
      throw new InvalidDatasetException(
          "expected one file %s-idx?-ubyte[.gz] in %s but found %d"
              .formatted(prefix, directory, found.size()));
    }
    return found.get(0);
  }

  /**
   * Disjoint stratified parts of the images with these labels, each ascending.
   *
   * <p>A class gives each part its share by largest remainder, ties to the lower class.
   */
  static int[][] stratified(int[] labels, int classes, int[] sizes, long purpose, long seed) {
    int wanted = Arrays.stream(sizes).sum();
    if (wanted > labels.length) {
      throw new InvalidDatasetException(
          "expected at most %d images to be asked for but found %s"
              .formatted(labels.length, Arrays.toString(sizes)));
    }
    List<List<Integer>> byClass = new ArrayList<>();
    for (int c = 0; c < classes; c++) {
      byClass.add(new ArrayList<>());
    }
    for (int i = 0; i < labels.length; i++) {
      byClass.get(labels[i]).add(i);
    }
    int[] counts = byClass.stream().mapToInt(List::size).toArray();
    int[][] shuffled = new int[classes][];
    for (int c = 0; c < classes; c++) {
      shuffled[c] = byClass.get(c).stream().mapToInt(Integer::intValue).toArray();
      new RandomNumbers(purpose, seed, c).shuffle(shuffled[c]);
    }
    int[] taken = new int[classes];
    int[][] parts = new int[sizes.length][];
    for (int part = 0; part < sizes.length; part++) {
      int[] quota = quotas(counts, taken, labels.length, sizes[part]);
      int[] chosen = new int[sizes[part]];
      int next = 0;
      for (int c = 0; c < classes; c++) {
        for (int k = 0; k < quota[c]; k++) {
          chosen[next++] = shuffled[c][taken[c]++];
        }
      }
      Arrays.sort(chosen);
      parts[part] = chosen;
    }
    return parts;
  }

  /** Images each class gives, in proportion to {@code counts} and never more than it has left. */
  private static int[] quotas(int[] counts, int[] taken, int total, int size) {
    int[] quota = new int[counts.length];
    long[] remainder = new long[counts.length];
    int left = size;
    for (int c = 0; c < counts.length; c++) {
      long share = (long) size * counts[c];
      quota[c] = (int) Math.min(share / total, counts[c] - taken[c]);
      remainder[c] = share % total;
      left -= quota[c];
    }
    while (left > 0) {
      int best = -1;
      for (int c = 0; c < counts.length; c++) {
        boolean room = quota[c] < counts[c] - taken[c];
        if (room && (best < 0 || remainder[c] > remainder[best])) {
          best = c;
        }
      }
      quota[best]++;
      remainder[best] -= total;
      left--;
    }
    return quota;
  }

  private static Split choose(Split source, int[] indices) {
    int pixels = source.pixels();
    byte[] images = new byte[Math.multiplyExact(indices.length, pixels)];
    int[] labels = new int[indices.length];
    for (int i = 0; i < indices.length; i++) {
      System.arraycopy(source.images(), indices[i] * pixels, images, i * pixels, pixels);
      labels[i] = source.labels()[indices[i]];
    }
    return new Split(images, labels);
  }

  /** Mean and standard deviation per channel of pixels in [0, 1]; sums are exact integers. */
  static double[][] moments(Split split, int channels) {
    int plane = split.pixels() / channels;
    double[] mean = new double[channels];
    double[] std = new double[channels];
    for (int c = 0; c < channels; c++) {
      long sum = 0;
      long squares = 0;
      for (int image = 0; image < split.size(); image++) {
        int from = (image * channels + c) * plane;
        for (int i = from; i < from + plane; i++) {
          int value = split.images()[i] & 0xff;
          sum += value;
          squares += (long) value * value;
        }
      }
      double n = (double) split.size() * plane;
      double average = sum / n;
      mean[c] = average / 255;
      std[c] = Math.sqrt(Math.max(squares / n - average * average, 1)) / 255;
    }
    return new double[][] {mean, std};
  }

  private static final String USAGE =
      """
      Packs a directory of IDX files into one dataset artifact.

      Usage: PackDataset --from DIR --out FILE [--name NAME] [--train N] [--validation N]
                         [--test N] [--seed N] [--deflate]

      Counts left out take everything (validation: a twelfth of the training file).
      --deflate makes a smaller file for shipping; its bytes depend on the Java runtime's zlib,
      so what is registered by digest is the plain form.
      """;

  public static void main(String[] arguments) throws IOException {
    Optional<Command> command = Command.parse(arguments);
    if (command.isEmpty()) {
      System.err.print(USAGE);
      System.exit(2);
    }
    try {
      ImageDataset dataset = pack(command.get().request());
      DatasetArtifact.write(dataset, command.get().out(), command.get().deflate());
      System.out.printf(
          "%s: %d train, %d validation, %d test images of %dx%dx%d, %d classes%n",
          command.get().out(),
          dataset.train().size(),
          dataset.validation().size(),
          dataset.test().size(),
          dataset.channels(),
          dataset.imageSize(),
          dataset.imageSize(),
          dataset.classes());
    } catch (InvalidDatasetException e) {
      System.err.println(e.getMessage());
      System.exit(2);
    }
  }

  private record Command(Request request, Path out, boolean deflate) {

    static Optional<Command> parse(String[] arguments) {
      Path from = null;
      Path out = null;
      String name = "dataset";
      int[] counts = new int[3];
      long seed = 1;
      boolean deflate = false;
      try {
        for (int i = 0; i < arguments.length; i++) {
          switch (arguments[i]) {
            case "--from" -> from = Path.of(arguments[++i]);
            case "--out" -> out = Path.of(arguments[++i]);
            case "--name" -> name = arguments[++i];
            case "--train" -> counts[0] = Integer.parseInt(arguments[++i]);
            case "--validation" -> counts[1] = Integer.parseInt(arguments[++i]);
            case "--test" -> counts[2] = Integer.parseInt(arguments[++i]);
            case "--seed" -> seed = Long.parseLong(arguments[++i]);
            case "--deflate" -> deflate = true;
            default -> {
              return Optional.empty();
            }
          }
        }
        if (from == null || out == null) {
          return Optional.empty();
        }
        Request request = new Request(from, name, counts[0], counts[1], counts[2], seed);
        return Optional.of(new Command(request, out, deflate));
      } catch (IllegalArgumentException | ArrayIndexOutOfBoundsException e) {
        return Optional.empty();
      }
    }
  }
}
