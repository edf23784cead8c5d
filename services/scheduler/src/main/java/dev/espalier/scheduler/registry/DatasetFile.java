package dev.espalier.scheduler.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipInputStream;

/**
 * Looks at a dataset file without loading it: a ZIP of {@code dataset.json} and six IDX files. Only
 * headers are kept; workers check the pixels when they read them.
 */
final class DatasetFile {

  private static final List<String> SPLITS = List.of("train", "validation", "test");
  private static final int MAX_DESCRIPTION = 64 << 10;

  /** Upper bound of all entries unpacked, so that a packed bomb ends here. */
  private static final long MAX_UNPACKED = 16L << 30;

  private static final ObjectMapper JSON = new ObjectMapper();

  private DatasetFile() {}

  /** The summary's JSON: what {@code dataset.json} says, and the number of images per split. */
  static String summary(InputStream file) throws IOException, InvalidArtifact {
    ObjectNode description = null;
    Map<String, int[]> shapes = new LinkedHashMap<>();
    long unpacked = 0;
    try {
      ZipInputStream zip = new ZipInputStream(file);
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        String name = entry.getName();
        if (name.equals("dataset.json") && description == null) {
          description = description(zip.readNBytes(MAX_DESCRIPTION));
        } else if (isIdx(name) && !shapes.containsKey(name)) {
          shapes.put(name, shape(name, zip));
        } else {
          throw new InvalidArtifact(
              "dataset.json and six IDX files, each once",
              "entry \"" + name.substring(0, Math.min(100, name.length())) + '"');
        }
        unpacked += rest(zip, MAX_UNPACKED - unpacked);
      }
    } catch (ZipException | IllegalArgumentException e) {
      throw new InvalidArtifact("a ZIP file", "a damaged one");
    }
    if (description == null || shapes.size() != 2 * SPLITS.size()) {
      throw new InvalidArtifact(
          "a ZIP of dataset.json and {train,validation,test}-{images,labels}.idx",
          (description == null ? "no dataset.json and " : "dataset.json and ") + shapes.keySet());
    }
    ObjectNode images = description.putObject("images");
    for (String split : SPLITS) {
      int[] pixels = shapes.get(split + "-images.idx");
      int[] labels = shapes.get(split + "-labels.idx");
      boolean oneEach = labels.length == 1 || labels.length == 2 && labels[1] == 2;
      if (pixels.length < 3 || !oneEach || pixels[0] != labels[0]) {
        throw new InvalidArtifact(
            "as many labels as images in split " + split,
            "%d images and %d labels".formatted(pixels[0], labels[0]));
      }
      images.put(split, pixels[0]);
    }
    return description.toString();
  }

  private static boolean isIdx(String name) {
    return SPLITS.stream()
        .anyMatch(s -> name.equals(s + "-images.idx") || name.equals(s + "-labels.idx"));
  }

  private static ObjectNode description(byte[] json) throws IOException, InvalidArtifact {
    JsonNode node;
    try {
      node = JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new InvalidArtifact("dataset.json to be JSON", "text that is not");
    }
    for (String field : List.of("channels", "imageSize", "classes")) {
      JsonNode value = node == null ? null : node.get(field);
      if (value == null || !value.isInt() || value.asInt() < 1) {
        throw new InvalidArtifact(
            "dataset.json with " + field + " above 0", value == null ? "none" : "another value");
      }
    }
    return (ObjectNode) node;
  }

  private static int[] shape(String name, InputStream entry) throws IOException, InvalidArtifact {
    DataInputStream in = new DataInputStream(entry);
    byte[] magic = in.readNBytes(4);
    int rank = magic.length < 4 ? 0 : magic[3];
    if (rank < 1 || rank > 4 || magic[0] != 0 || magic[1] != 0 || magic[2] != 8) {
      throw new InvalidArtifact("an IDX file of unsigned bytes", name + " with another header");
    }
    byte[] lengths = in.readNBytes(4 * rank);
    if (lengths.length < 4 * rank) {
      throw new InvalidArtifact("a whole IDX header", name + " that ends inside it");
    }
    int[] shape = new int[rank];
    java.nio.ByteBuffer.wrap(lengths).asIntBuffer().get(shape);
    for (int length : shape) {
      if (length < 1) {
        throw new InvalidArtifact("lengths of axes above 0", name + " with " + length);
      }
    }
    return shape;
  }

  private static long rest(InputStream entry, long limit) throws IOException, InvalidArtifact {
    byte[] buffer = new byte[1 << 16];
    long size = 0;
    for (int read = entry.read(buffer); read >= 0; read = entry.read(buffer)) {
      size += read;
      if (size > limit) {
        throw new InvalidArtifact("at most 16 GiB of unpacked data", "more");
      }
    }
    return size;
  }
}
