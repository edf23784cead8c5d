package dev.espalier.artifacts.safetensors;

import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.weights.Tensor;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * Writes float32 tensors one by one, so that a model need not fit into memory twice. Equal contents
 * give equal bytes: tensors lie in the order of their names, the header's keys are sorted, the data
 * begins at a multiple of 8.
 */
public final class SafetensorsWriter {

  private static final int ALIGNMENT = 8;
  private static final int CHUNK = 1 << 16;

  private final byte[] header;
  private final SortedMap<String, int[]> shapes;
  private final long dataBytes;

  /**
   * @param shapes of the tensors by name
   */
  public SafetensorsWriter(Map<String, String> metadata, Map<String, int[]> shapes) {
    this.shapes = new TreeMap<>(shapes);
    Map<String, Object> tree = new TreeMap<>();
    if (!metadata.isEmpty()) {
      tree.put(SafetensorsHeader.METADATA, metadata);
    }
    long end = 0;
    for (Map.Entry<String, int[]> entry : this.shapes.entrySet()) {
      long begin = end;
      end +=
          Float.BYTES * Arrays.stream(entry.getValue()).asLongStream().reduce(1, (a, b) -> a * b);
      Map<String, Object> described = new TreeMap<>();
      described.put("data_offsets", List.of(begin, end));
      described.put("dtype", DataType.F32.name());
      described.put("shape", Arrays.stream(entry.getValue()).boxed().toList());
      tree.put(entry.getKey(), described);
    }
    this.dataBytes = end;
    byte[] json = Json.canonical(tree).getBytes(StandardCharsets.UTF_8);
    int padded = json.length + Math.floorMod(-json.length, ALIGNMENT);
    this.header = Arrays.copyOf(json, padded);
    Arrays.fill(header, json.length, padded, (byte) ' ');
  }

  /** Length of the whole file. */
  public long size() {
    return SafetensorsHeader.LENGTH_BYTES + header.length + dataBytes;
  }

  /** Writes the file; {@code out} stays open. */
  public void write(OutputStream out, Function<String, Tensor> tensors) throws IOException {
    out.write(
        ByteBuffer.allocate(SafetensorsHeader.LENGTH_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .array());
    out.write(header);
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
    for (Map.Entry<String, int[]> entry : shapes.entrySet()) {
      Tensor tensor = tensors.apply(entry.getKey());
      if (!Arrays.equals(tensor.shape(), entry.getValue())) {
        throw new IllegalArgumentException(
            "tensor %s must be %s but is %s"
                .formatted(
                    entry.getKey(),
                    Arrays.toString(entry.getValue()),
                    Arrays.toString(tensor.shape())));
      }
      float[] values = tensor.values();
      for (int from = 0; from < values.length; from += CHUNK / Float.BYTES) {
        int count = Math.min(values.length - from, CHUNK / Float.BYTES);
        chunk.asFloatBuffer().put(values, from, count);
        out.write(chunk.array(), 0, count * Float.BYTES);
      }
    }
  }
}
