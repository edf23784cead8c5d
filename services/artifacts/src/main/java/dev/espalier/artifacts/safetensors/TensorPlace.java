package dev.espalier.artifacts.safetensors;

import dev.espalier.architecture.weights.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Where a tensor lies in a file's data, bytes [begin, end), as its header describes it.
 *
 * @param type of the elements; only F32, F16 and BF16 can be read
 */
public record TensorPlace(String name, DataType type, int[] shape, long begin, long end) {

  private static final int MAX_NAME_LENGTH = 512;
  private static final int MAX_RANK = 8;

  /**
   * Parts between dots or slashes; nothing in it leads out of a directory or hides in a terminal.
   */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_:-]+([./][A-Za-z0-9_:-]+)*");

  static TensorPlace of(String name, Object found) {
    if (name.length() > MAX_NAME_LENGTH || !NAME.matcher(name).matches()) {
      throw new MalformedFileException(
          "expected a tensor name of 1..%d letters, digits, '_', '-' and ':' between '.' or '/' but found %s"
              .formatted(MAX_NAME_LENGTH, shown(name)));
    }
    if (!(found instanceof Map<?, ?> described)) {
      throw new MalformedFileException("expected tensor %s to be an object".formatted(name));
    }
    DataType type = type(name, described.get("dtype"));
    List<Long> lengths = numbers(name, "shape", described.get("shape"));
    List<Long> offsets = numbers(name, "data_offsets", described.get("data_offsets"));
    if (lengths.size() > MAX_RANK || offsets.size() != 2 || described.size() != 3) {
      throw new MalformedFileException(
          "expected tensor %s to have dtype, shape of at most %d axes and two data_offsets"
              .formatted(name, MAX_RANK));
    }
    int[] shape = new int[lengths.size()];
    long size = 1;
    try {
      for (int axis = 0; axis < shape.length; axis++) {
        shape[axis] = Math.toIntExact(lengths.get(axis));
        size = Math.multiplyExact(size, (long) shape[axis]);
      }
      size = Math.multiplyExact(size, (long) type.bytes);
    } catch (ArithmeticException e) {
      throw new MalformedFileException("tensor %s is too large".formatted(name), e);
    }
    long begin = offsets.get(0);
    long end = offsets.get(1);
    if (end < begin || end - begin != size) {
      throw new MalformedFileException(
          "expected tensor %s to take %d bytes but its offsets are %d and %d"
              .formatted(name, size, begin, end));
    }
    return new TensorPlace(name, type, shape, begin, end);
  }

  private static DataType type(String name, Object found) {
    for (DataType type : DataType.values()) {
      if (type.name().equals(found)) {
        return type;
      }
    }
    throw new MalformedFileException(
        "expected tensor %s to be F32, F16 or BF16 but found %s"
            .formatted(name, shown(String.valueOf(found))));
  }

  private static List<Long> numbers(String name, String key, Object found) {
    if (!(found instanceof List<?> list)) {
      throw new MalformedFileException(
          "expected %s of tensor %s to be a list of numbers".formatted(key, name));
    }
    List<Long> numbers = new ArrayList<>();
    for (Object item : list) {
      if (!(item instanceof Number number)
          || number.doubleValue() != number.longValue()
          || number.longValue() < 0) {
        throw new MalformedFileException(
            "expected %s of tensor %s to hold whole numbers of at least 0 but found %s"
                .formatted(key, name, shown(String.valueOf(item))));
      }
      numbers.add(number.longValue());
    }
    return numbers;
  }

  /** A stranger's text as it may stand in a message: short, and in visible ASCII. */
  static String shown(String text) {
    String visible = text.replaceAll("[^\\x20-\\x7e]", "?");
    return visible.length() <= 80 ? '"' + visible + '"' : '"' + visible.substring(0, 80) + "…\"";
  }

  /** Bytes of the tensor in the file. */
  int bytes() {
    if (end - begin > Integer.MAX_VALUE - 16) {
      throw new MalformedFileException(
          "expected tensor %s to take less than 2 GiB but it takes %d bytes"
              .formatted(name, end - begin));
    }
    return (int) (end - begin);
  }

  /** Fails for a type that holds no weights. */
  public void requireReadable() {
    if (!type.readable()) {
      throw new MalformedFileException(
          "expected tensor %s to be F32, F16 or BF16 but found %s".formatted(name, type));
    }
  }

  /** The tensor, off a stream that stands at its first byte. */
  public Tensor read(InputStream data) throws IOException {
    requireReadable();
    byte[] bytes = data.readNBytes(bytes());
    if (bytes.length < bytes()) {
      throw new MalformedFileException(
          "expected %d bytes of tensor %s but the file ends after %d"
              .formatted(bytes(), name, bytes.length));
    }
    return read(ByteBuffer.wrap(bytes));
  }

  /** The tensor, from exactly its bytes. */
  Tensor read(ByteBuffer bytes) {
    requireReadable();
    return type.read(shape, bytes);
  }

  @Override
  public String toString() {
    return name + Arrays.toString(shape);
  }
}
