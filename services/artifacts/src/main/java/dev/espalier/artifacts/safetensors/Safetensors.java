package dev.espalier.artifacts.safetensors;

import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.weights.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Named tensors in the safetensors format: eight bytes of header length (little-endian), a JSON
 * header that gives type, shape and place of each tensor, then the data.
 *
 * <p>Equal contents give equal bytes: tensors lie in the order of their names, the header's keys
 * are sorted. We write float32 and read float32, float16 and bfloat16, all as float32. A file is
 * read as if an enemy had written it: no length is believed before it was compared with the bytes
 * that are there.
 *
 * @param metadata free text under {@code __metadata__}
 * @param tensors by name
 */
public record Safetensors(Map<String, String> metadata, Map<String, Tensor> tensors) {

  private static final String METADATA = "__metadata__";
  private static final int LENGTH_BYTES = Long.BYTES;
  private static final int ALIGNMENT = 8;
  private static final int MAX_HEADER_BYTES = 16 << 20;
  private static final int MAX_TENSORS = 100_000;
  private static final int MAX_NAME_LENGTH = 512;
  private static final int MAX_RANK = 8;

  public Safetensors {
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
  }

  /** The tensor of that name; an error that names it where it is missing. */
  public Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new MalformedFileException("expected a tensor " + name + " but there is none");
    }
    return tensor;
  }

  /** The metadata of that key; an error that names it where it is missing. */
  public String metadata(String key) {
    String value = metadata.get(key);
    if (value == null) {
      throw new MalformedFileException("expected metadata " + key + " but there is none");
    }
    return value;
  }

  // ---- writing ----

  public byte[] toBytes() {
    Map<String, Object> header = new TreeMap<>();
    if (!metadata.isEmpty()) {
      header.put(METADATA, metadata);
    }
    Map<String, Tensor> sorted = new TreeMap<>(tensors);
    long end = 0;
    for (Map.Entry<String, Tensor> entry : sorted.entrySet()) {
      long begin = end;
      end += (long) Float.BYTES * entry.getValue().values().length;
      Map<String, Object> described = new TreeMap<>();
      described.put("data_offsets", List.of(begin, end));
      described.put("dtype", DataType.F32.name());
      described.put("shape", boxed(entry.getValue().shape()));
      header.put(entry.getKey(), described);
    }
    byte[] json = Json.canonical(header).getBytes(StandardCharsets.UTF_8);
    int padding = Math.floorMod(-json.length, ALIGNMENT);
    int headerBytes = json.length + padding;
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(LENGTH_BYTES + headerBytes + end))
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(headerBytes).put(json);
    for (int i = 0; i < padding; i++) {
      bytes.put((byte) ' ');
    }
    for (Tensor tensor : sorted.values()) {
      bytes.asFloatBuffer().put(tensor.values());
      bytes.position(bytes.position() + Float.BYTES * tensor.values().length);
    }
    return bytes.array();
  }

  private static List<Integer> boxed(int[] shape) {
    List<Integer> boxed = new ArrayList<>();
    for (int length : shape) {
      boxed.add(length);
    }
    return boxed;
  }

  // ---- reading ----

  /**
   * Reads a file.
   *
   * @throws MalformedFileException when the bytes are not a sound safetensors file
   */
  public static Safetensors fromBytes(byte[] bytes) {
    int headerBytes = headerBytes(bytes);
    Map<?, ?> header = header(bytes, headerBytes);
    ByteBuffer data =
        ByteBuffer.wrap(
                bytes, LENGTH_BYTES + headerBytes, bytes.length - LENGTH_BYTES - headerBytes)
            .slice()
            .order(ByteOrder.LITTLE_ENDIAN);
    if (header.size() > MAX_TENSORS) {
      throw new MalformedFileException(
          "expected at most %d tensors but the header has %d"
              .formatted(MAX_TENSORS, header.size()));
    }
    Map<String, String> metadata = new TreeMap<>();
    List<Place> places = new ArrayList<>();
    for (Map.Entry<?, ?> entry : header.entrySet()) {
      String name = (String) entry.getKey();
      if (name.equals(METADATA)) {
        metadata.putAll(metadata(entry.getValue()));
      } else {
        places.add(Place.of(name, entry.getValue()));
      }
    }
    places.sort(Comparator.comparingLong(Place::begin).thenComparingLong(Place::end));
    requireCover(places, data.limit());
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    places.forEach(place -> tensors.put(place.name(), place.read(data)));
    return new Safetensors(metadata, tensors);
  }

  private static int headerBytes(byte[] bytes) {
    if (bytes.length < LENGTH_BYTES) {
      throw new MalformedFileException(
          "expected a safetensors file but it has only %d bytes".formatted(bytes.length));
    }
    long said = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    long most = Math.min(MAX_HEADER_BYTES, bytes.length - LENGTH_BYTES);
    if (said < 2 || said > most) {
      throw new MalformedFileException(
          "expected a safetensors header of 2..%d bytes but the file says %d"
              .formatted(most, said));
    }
    return (int) said;
  }

  private static Map<?, ?> header(byte[] bytes, int headerBytes) {
    if (bytes[LENGTH_BYTES] != '{') {
      throw new MalformedFileException("expected a safetensors header that starts with {");
    }
    try {
      CharBuffer text =
          StandardCharsets.UTF_8
              .newDecoder()
              .decode(ByteBuffer.wrap(bytes, LENGTH_BYTES, headerBytes));
      if (Json.parse(text.toString()) instanceof Map<?, ?> header) {
        return header;
      }
      throw new MalformedFileException("expected a JSON object as the safetensors header");
    } catch (CharacterCodingException | IllegalArgumentException e) {
      throw new MalformedFileException("the safetensors header is not JSON: " + e.getMessage(), e);
    }
  }

  private static Map<String, String> metadata(Object found) {
    if (!(found instanceof Map<?, ?> map)) {
      throw new MalformedFileException("expected __metadata__ to be an object of texts");
    }
    Map<String, String> metadata = new TreeMap<>();
    map.forEach(
        (key, value) -> {
          if (!(value instanceof String text)) {
            throw new MalformedFileException("expected metadata %s to be a text".formatted(key));
          }
          metadata.put((String) key, text);
        });
    return metadata;
  }

  /** The tensors must fill the data without gap or overlap, as the format demands. */
  private static void requireCover(List<Place> places, long dataBytes) {
    long end = 0;
    for (Place place : places) {
      if (place.begin() != end) {
        throw new MalformedFileException(
            "expected tensor %s to begin at byte %d, where the one before ends, but it begins at %d"
                .formatted(place.name(), end, place.begin()));
      }
      end = place.end();
      if (end > dataBytes) {
        throw new MalformedFileException(
            "expected tensor %s to end within the file's %d bytes of data but it ends at %d"
                .formatted(place.name(), dataBytes, end));
      }
    }
    if (end != dataBytes) {
      throw new MalformedFileException(
          "expected %d bytes of data but the file has %d".formatted(end, dataBytes));
    }
  }

  private enum DataType {
    F32(4),
    F16(2),
    BF16(2);

    private final int bytes;

    DataType(int bytes) {
      this.bytes = bytes;
    }

    float read(ByteBuffer data, int offset) {
      return switch (this) {
        case F32 -> data.getFloat(offset);
        case F16 -> halfToFloat(data.getShort(offset));
        case BF16 -> Float.intBitsToFloat(data.getShort(offset) << 16);
      };
    }

    /** IEEE 754 binary16: sign, 5 bits of exponent, 10 of fraction. */
    private static float halfToFloat(short half) {
      int exponent = half >> 10 & 0x1f;
      int fraction = half & 0x3ff;
      float magnitude;
      if (exponent == 0x1f) {
        magnitude = fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
      } else if (exponent == 0) {
        magnitude = Math.scalb((float) fraction, -24);
      } else {
        magnitude = Math.scalb((float) (fraction | 0x400), exponent - 25);
      }
      return half < 0 ? -magnitude : magnitude;
    }
  }

  /** Where a tensor lies in the data, [begin, end). */
  private record Place(String name, DataType type, int[] shape, long begin, long end) {

    static Place of(String name, Object found) {
      if (name.isEmpty() || name.length() > MAX_NAME_LENGTH) {
        throw new MalformedFileException(
            "expected a tensor name of 1..%d characters but it has %d"
                .formatted(MAX_NAME_LENGTH, name.length()));
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
      return new Place(name, type, shape, begin, end);
    }

    private static DataType type(String name, Object found) {
      for (DataType type : DataType.values()) {
        if (type.name().equals(found)) {
          return type;
        }
      }
      throw new MalformedFileException(
          "expected tensor %s to be F32, F16 or BF16 but found %s".formatted(name, found));
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
                  .formatted(key, name, item));
        }
        numbers.add(number.longValue());
      }
      return numbers;
    }

    Tensor read(ByteBuffer data) {
      float[] values = new float[Math.toIntExact((end - begin) / type.bytes)];
      int offset = Math.toIntExact(begin);
      if (type == DataType.F32) {
        data.duplicate()
            .order(ByteOrder.LITTLE_ENDIAN)
            .position(offset)
            .slice()
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer()
            .get(values);
      } else {
        for (int i = 0; i < values.length; i++) {
          values[i] = type.read(data, offset + i * type.bytes);
        }
      }
      return new Tensor(shape, values);
    }
  }
}
