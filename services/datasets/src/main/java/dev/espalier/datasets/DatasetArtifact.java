package dev.espalier.datasets;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * A dataset as one file: a ZIP of {@code dataset.json} and six IDX files, {@code
 * {train,validation,test}-{images,labels}.idx}.
 *
 * <p>Entries are stored, in fixed order and with a fixed time, so that equal datasets are equal
 * bytes and have one digest. Readers take deflated entries too; they refuse unknown, repeated and
 * missing entries and whatever {@link IdxFile} and {@link ImageDataset} refuse.
 */
public final class DatasetArtifact {

  public static final String MEDIA_TYPE = "application/vnd.espalier.dataset+zip";

  private static final String DESCRIPTION = "dataset.json";
  private static final List<String> SPLITS = List.of("train", "validation", "test");
  private static final LocalDateTime TIME = LocalDateTime.of(1980, 1, 1, 0, 0);

  private DatasetArtifact() {}

  /** Reads a dataset file. */
  public static ImageDataset read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return read(in);
    }
  }

  /** Reads a dataset from the bytes of its file. */
  public static ImageDataset read(byte[] file) throws IOException {
    return read(new ByteArrayInputStream(file));
  }

  /** Reads a dataset from the stream of its file, which stays open. */
  public static ImageDataset read(InputStream stream) throws IOException {
    DatasetDescription description = null;
    Map<String, IdxFile> files = new HashMap<>();
    try {
      ZipInputStream zip = new ZipInputStream(new BufferedInputStream(stream, 1 << 16));
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        String name = entry.getName();
        if (name.equals(DESCRIPTION) && description == null) {
          byte[] json = zip.readNBytes(DatasetDescription.MAX_BYTES);
          description = DatasetDescription.parse(new String(json, StandardCharsets.UTF_8));
        } else if (isIdx(name) && !files.containsKey(name)) {
          files.put(name, IdxFile.read(zip, name));
        } else {
          throw new InvalidDatasetException(
              "expected dataset.json and six IDX files, each once, but found entry \"%s\""
                  .formatted(name.substring(0, Math.min(name.length(), 100))));
        }
      }
    } catch (ZipException | IllegalArgumentException e) {
      throw new InvalidDatasetException("expected a sound ZIP but found: " + e.getMessage(), e);
    }
    if (description == null || files.size() != 2 * SPLITS.size()) {
      throw new InvalidDatasetException(
          "expected dataset.json and six IDX files but found %s%s"
              .formatted(description == null ? "" : "dataset.json and ", files.keySet()));
    }
    return new ImageDataset(
        description.name(),
        description.channels(),
        description.imageSize(),
        description.classes(),
        description.mean(),
        description.std(),
        split(files, "train"),
        split(files, "validation"),
        split(files, "test"));
  }

  private static boolean isIdx(String name) {
    return SPLITS.stream()
        .anyMatch(split -> name.equals(images(split)) || name.equals(labels(split)));
  }

  private static String images(String split) {
    return split + "-images.idx";
  }

  private static String labels(String split) {
    return split + "-labels.idx";
  }

  private static Split split(Map<String, IdxFile> files, String split) {
    return split(files.get(images(split)), files.get(labels(split)), split);
  }

  /**
   * Images of shape (N, S, S) or (N, C, S, S) with labels of shape (N), or of shape (N, 2), high
   * byte first, where there are more than 256 classes.
   */
  static Split split(IdxFile images, IdxFile labels, String name) {
    int[] shape = images.shape();
    if (shape.length < 3 || shape[shape.length - 1] != shape[shape.length - 2]) {
      throw new InvalidDatasetException(
          name + ": expected square images (N, S, S) or (N, C, S, S) but found " + images);
    }
    int width = labels.shape().length == 2 ? labels.shape()[1] : labels.shape().length;
    if (labels.shape()[0] != shape[0] || width < 1 || width > 2 || labels.shape().length > 2) {
      throw new InvalidDatasetException(
          "%s: expected %d labels of one byte, or two where there are more than 256 classes, but found %s"
              .formatted(name, shape[0], labels));
    }
    int[] classes = new int[shape[0]];
    for (int i = 0; i < classes.length; i++) {
      for (int k = 0; k < width; k++) {
        classes[i] = classes[i] << 8 | labels.elements()[i * width + k] & 0xff;
      }
    }
    return new Split(images.elements(), classes);
  }

  /** The bytes of the dataset's file. */
  public static byte[] write(ImageDataset dataset) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      write(dataset, out, false);
    } catch (IOException e) {
      throw new IllegalStateException("memory cannot fail", e);
    }
    return out.toByteArray();
  }

  /** Writes the dataset's file. */
  public static void write(ImageDataset dataset, Path file) throws IOException {
    write(dataset, file, false);
  }

  static void write(ImageDataset dataset, Path file, boolean deflate) throws IOException {
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16)) {
      write(dataset, out, deflate);
    }
  }

  private static void write(ImageDataset dataset, OutputStream out, boolean deflate)
      throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    byte[] json = DatasetDescription.of(dataset).json().getBytes(StandardCharsets.UTF_8);
    entries.put(DESCRIPTION, json);
    put(entries, dataset, "train", dataset.train());
    put(entries, dataset, "validation", dataset.validation());
    put(entries, dataset, "test", dataset.test());
    ZipOutputStream zip = new ZipOutputStream(out);
    zip.setLevel(9);
    for (Map.Entry<String, byte[]> file : entries.entrySet()) {
      ZipEntry entry = new ZipEntry(file.getKey());
      entry.setTimeLocal(TIME);
      if (!deflate) {
        CRC32 crc = new CRC32();
        crc.update(file.getValue());
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(file.getValue().length);
        entry.setCrc(crc.getValue());
      }
      zip.putNextEntry(entry);
      zip.write(file.getValue());
      zip.closeEntry();
    }
    zip.finish();
  }

  private static void put(
      Map<String, byte[]> entries, ImageDataset dataset, String name, Split split)
      throws IOException {
    int side = dataset.imageSize();
    int[] shape =
        dataset.channels() == 1
            ? new int[] {split.size(), side, side}
            : new int[] {split.size(), dataset.channels(), side, side};
    int width = dataset.classes() > 256 ? 2 : 1;
    byte[] labels = new byte[split.size() * width];
    for (int i = 0; i < split.size(); i++) {
      for (int k = 0; k < width; k++) {
        labels[i * width + k] = (byte) (split.labels()[i] >> 8 * (width - 1 - k));
      }
    }
    int[] labelShape = width == 1 ? new int[] {split.size()} : new int[] {split.size(), width};
    entries.put(images(name), bytes(new IdxFile(shape, split.images())));
    entries.put(labels(name), bytes(new IdxFile(labelShape, labels)));
  }

  private static byte[] bytes(IdxFile file) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream(file.elements().length + 32);
    file.write(out);
    return out.toByteArray();
  }
}
