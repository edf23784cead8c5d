package dev.espalier.datasets;

import static dev.espalier.architecture.files.FileLimits.IMAGE_SIZE;
import static dev.espalier.architecture.files.FileLimits.PART_BYTES;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Packs a directory of image files, one directory per class, into one dataset artifact.
 *
 * <p>The classes lie under {@code train}, {@code val} (or {@code validation}) and {@code test}, or
 * all in one place. Rule of the split: parts that have a directory are taken as they are; a {@code
 * val} without a {@code test} is the test part, as everybody reports ImageNet on it; what is
 * missing is drawn from the training images, class by class, by the seed. Classes are numbered by
 * the order of their names.
 */
public final class ImageFolders {

  /** Training images that are set aside for each part that has no directory of its own. */
  private static final double SHARE = 1.0 / 12;

  private static final long PURPOSE = 0x666f6c6473L;

  private ImageFolders() {}

  /** What becomes of files that give no image. */
  public enum Broken {
    /** They are an error. */
    REFUSE,
    /** They are left out, and named. */
    SKIP
  }

  /**
   * What to pack.
   *
   * @param imageSize side of the images, pixels
   * @param resize length of the shorter side before the middle is cut out, at least imageSize
   * @param channels 1 or 3
   * @param counts images to take, and the seed of the draw
   * @param moments mean and deviation per channel; the training images' own where empty
   */
  public record Request(
      PackDataset.Request counts,
      int imageSize,
      int resize,
      int channels,
      Broken broken,
      Optional<double[][]> moments) {

    public Request {
      if (imageSize < 1 || imageSize > IMAGE_SIZE || resize < imageSize) {
        throw new IllegalArgumentException(
            "expected an image size in 1..%d and a resize of at least that but found %d and %d"
                .formatted(IMAGE_SIZE, imageSize, resize));
      }
    }
  }

  /** A dataset, its class names in the order of labels, and the files that are not in it. */
  public record Packed(ImageDataset dataset, List<String> classes, List<BrokenImage> broken) {}

  private record Part(List<Path> files, int[] labels) {

    Part choose(int[] indices) {
      return new Part(
          Arrays.stream(indices).mapToObj(files::get).toList(),
          Arrays.stream(indices).map(i -> labels[i]).toArray());
    }
  }

  private record Decoded(Split split, List<BrokenImage> broken) {}

  /** Lists, draws and decodes; writes nothing. */
  public static Packed pack(Request request) throws IOException {
    Path root = request.counts().directory();
    boolean divided = Files.isDirectory(root.resolve("train"));
    Path trainRoot = divided ? root.resolve("train") : root;
    List<String> classes = directories(trainRoot);
    if (classes.size() < 2) {
      throw new InvalidDatasetException(
          "expected a directory for each of at least 2 classes in %s but found %d"
              .formatted(trainRoot, classes.size()));
    }
    Optional<Path> validationRoot = divided ? first(root, "val", "validation") : Optional.empty();
    Optional<Path> testRoot = divided ? first(root, "test") : Optional.empty();
    if (testRoot.isEmpty()) {
      testRoot = validationRoot;
      validationRoot = Optional.empty();
    }
    Part all = list(trainRoot, classes);
    int spare = (int) Math.max(1, all.files().size() * SHARE);
    int validation = validationRoot.isPresent() ? 0 : orElse(request.counts().validation(), spare);
    int test = testRoot.isPresent() ? 0 : orElse(request.counts().test(), spare);
    int train =
        orElse(request.counts().train(), Math.max(0, all.files().size() - validation - test));
    long seed = request.counts().seed();
    int[][] drawn =
        PackDataset.stratified(
            all.labels(), classes.size(), new int[] {train, validation, test}, PURPOSE, seed);
    Part validationPart =
        validationRoot.isPresent()
            ? some(
                list(validationRoot.get(), classes), request.counts().validation(), seed, classes)
            : all.choose(drawn[1]);
    Part testPart =
        testRoot.isPresent()
            ? some(list(testRoot.get(), classes), request.counts().test(), seed, classes)
            : all.choose(drawn[2]);
    Decoded trained = decode(all.choose(drawn[0]), "train", request);
    Decoded validated = decode(validationPart, "validation", request);
    Decoded tested = decode(testPart, "test", request);
    List<BrokenImage> broken =
        Stream.of(trained, validated, tested).flatMap(part -> part.broken().stream()).toList();
    double[][] moments =
        request.moments().orElseGet(() -> PackDataset.moments(trained.split(), request.channels()));
    ImageDataset dataset =
        new ImageDataset(
            request.counts().name(),
            request.channels(),
            request.imageSize(),
            classes.size(),
            Arrays.stream(moments[0]).boxed().toList(),
            Arrays.stream(moments[1]).boxed().toList(),
            trained.split(),
            validated.split(),
            tested.split());
    return new Packed(dataset, classes, broken);
  }

  private static int orElse(int wanted, int otherwise) {
    return wanted > 0 ? wanted : otherwise;
  }

  private static Part some(Part part, int wanted, long seed, List<String> classes) {
    return wanted == 0
        ? part
        : part.choose(
            PackDataset.stratified(
                part.labels(), classes.size(), new int[] {wanted}, PURPOSE, seed)[0]);
  }

  private static Optional<Path> first(Path root, String... names) {
    return Stream.of(names).map(root::resolve).filter(Files::isDirectory).findFirst();
  }

  private static List<String> directories(Path root) throws IOException {
    try (Stream<Path> entries = Files.list(root)) {
      return entries
          .filter(Files::isDirectory)
          .map(directory -> directory.getFileName().toString())
          .filter(name -> !name.startsWith("."))
          .sorted()
          .toList();
    }
  }

  private static Part list(Path root, List<String> classes) throws IOException {
    for (String found : directories(root)) {
      if (!classes.contains(found)) {
        throw new InvalidDatasetException(
            "expected the classes of the training images in %s but found \"%s\""
                .formatted(root.getFileName(), found));
      }
    }
    List<Path> files = new ArrayList<>();
    List<Integer> labels = new ArrayList<>();
    for (int label = 0; label < classes.size(); label++) {
      Path directory = root.resolve(classes.get(label));
      if (Files.isDirectory(directory)) {
        try (Stream<Path> entries = Files.list(directory)) {
          List<Path> images =
              entries.filter(Files::isRegularFile).filter(ImageFile::isImage).sorted().toList();
          files.addAll(images);
          labels.addAll(Collections.nCopies(images.size(), label));
        }
      }
    }
    if (files.isEmpty()) {
      throw new InvalidDatasetException(
          "expected JPEG or PNG files in " + root + " but found none");
    }
    return new Part(files, labels.stream().mapToInt(Integer::intValue).toArray());
  }

  private static Decoded decode(Part part, String name, Request request) {
    int side = request.imageSize();
    int pixels = request.channels() * side * side;
    long bytes = (long) part.files().size() * pixels;
    if (bytes > PART_BYTES) {
      throw new InvalidDatasetException(
          "%s: expected at most %d bytes of pixels but %d images of %d need %d; take fewer or smaller ones"
              .formatted(name, PART_BYTES, part.files().size(), pixels, bytes));
    }
    byte[] images = new byte[(int) bytes];
    String[] reasons = new String[part.files().size()];
    IntStream.range(0, part.files().size())
        .parallel()
        .forEach(
            i -> {
              try {
                byte[] image =
                    ImageFile.decode(
                        part.files().get(i), request.resize(), side, request.channels());
                System.arraycopy(image, 0, images, i * pixels, pixels);
              } catch (IOException e) {
                reasons[i] = String.valueOf(e.getMessage());
              }
            });
    return sound(part, images, pixels, reasons, name, request);
  }

  /** Closes the gaps that broken images leave. */
  private static Decoded sound(
      Part part, byte[] images, int pixels, String[] reasons, String name, Request request) {
    List<BrokenImage> broken = new ArrayList<>();
    int[] labels = new int[reasons.length];
    int kept = 0;
    for (int i = 0; i < reasons.length; i++) {
      if (reasons[i] == null) {
        System.arraycopy(images, i * pixels, images, kept * pixels, pixels);
        labels[kept++] = part.labels()[i];
      } else {
        Path file = request.counts().directory().relativize(part.files().get(i));
        broken.add(new BrokenImage(file.toString(), reasons[i]));
      }
    }
    if (!broken.isEmpty() && request.broken() == Broken.REFUSE) {
      throw new InvalidDatasetException(
          "%s: expected sound images but %d of %d are broken, the first %s (%s)"
              .formatted(
                  name,
                  broken.size(),
                  reasons.length,
                  broken.get(0).file(),
                  broken.get(0).reason()));
    }
    if (kept == 0) {
      throw new InvalidDatasetException(
          name + ": expected at least one sound image but found none");
    }
    Split split =
        kept == reasons.length
            ? new Split(images, labels)
            : new Split(Arrays.copyOf(images, kept * pixels), Arrays.copyOf(labels, kept));
    return new Decoded(split, broken);
  }
}
