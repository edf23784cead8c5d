package dev.espalier.scheduler.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.espalier.architecture.files.FileLimits;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.util.Arrays;
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

  private static final ObjectMapper JSON = new ObjectMapper();

  private DatasetFile() {}

  /** The summary's JSON: what {@code dataset.json} says, and the number of images per split. */
  static String summary(InputStream file) throws IOException, InvalidArtifact {
    ObjectNode description = null;
    Map<String, int[]> shapes = new LinkedHashMap<>();
    try {
      ZipInputStream zip = new ZipInputStream(file);
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        String name = entry.getName();
        if (name.equals("dataset.json") && description == null) {
          description = description(zip.readNBytes(MAX_DESCRIPTION));
        } else if (isIdx(name) && !shapes.containsKey(name)) {
          int[] shape = shape(name, zip);
          requireBytes(name, zip, elements(name, shape));
          shapes.put(name, shape);
        } else {
          throw new InvalidArtifact(
              "dataset.json and six IDX files, each once",
              "entry \"" + name.substring(0, Math.min(100, name.length())) + '"');
        }
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
      requireImages(split, pixels, description);
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
    requireIn(node, "channels", 1, 3);
    requireIn(node, "imageSize", 1, FileLimits.IMAGE_SIZE);
    requireIn(node, "classes", 2, FileLimits.CLASSES);
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

  private static void requireIn(JsonNode node, String field, int least, int most)
      throws InvalidArtifact {
    JsonNode value = node == null ? null : node.get(field);
    if (value == null || !value.isInt() || value.asInt() < least || value.asInt() > most) {
      throw new InvalidArtifact(
          "dataset.json with %s in %d..%d".formatted(field, least, most),
          value == null ? "none" : value.toString());
    }
  }

  /** Pixels as the description says, (N, S, S) or (N, C, S, S). */
  private static void requireImages(String split, int[] shape, JsonNode description)
      throws InvalidArtifact {
    int channels = description.get("channels").asInt();
    int side = description.get("imageSize").asInt();
    int last = shape.length - 1;
    int found = shape.length == 4 ? shape[1] : 1;
    if (found != channels || shape[last] != side || shape[last - 1] != side) {
      throw new InvalidArtifact(
          "images of split %s of %d x %d x %d, as dataset.json says"
              .formatted(split, channels, side, side),
          "shape " + Arrays.toString(shape));
    }
  }

  /** Bytes that the header announces; a header alone shows what is too large. */
  private static long elements(String name, int[] shape) throws InvalidArtifact {
    BigInteger elements = BigInteger.ONE;
    for (int length : shape) {
      elements = elements.multiply(BigInteger.valueOf(length));
    }
    if (elements.compareTo(BigInteger.valueOf(FileLimits.PART_BYTES)) > 0) {
      throw new InvalidArtifact(
          "at most %d bytes in %s".formatted(FileLimits.PART_BYTES, name), elements + " bytes");
    }
    return elements.longValue();
  }

  /** Reads to the end of the entry; a packed bomb ends one byte after what its header says. */
  private static void requireBytes(String name, InputStream entry, long elements)
      throws IOException, InvalidArtifact {
    byte[] buffer = new byte[1 << 16];
    long size = 0;
    for (int read = entry.read(buffer); read >= 0; read = entry.read(buffer)) {
      size += read;
      if (size > elements) {
        break;
      }
    }
    if (size != elements) {
      throw new InvalidArtifact(
          "%d bytes in %s, as its header says".formatted(elements, name),
          size < elements ? String.valueOf(size) : "more");
    }
  }
}
