package dev.espalier.artifacts.safetensors;

import dev.espalier.architecture.weights.Tensor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * Named tensors in the safetensors format: eight bytes of header length (little-endian), a JSON
 * header that gives type, shape and place of each tensor, then the data.
 *
 * <p>We write float32 and read float32, float16 and bfloat16, all as float32.
 *
 * @param metadata free text under {@code __metadata__}
 * @param tensors by name
 */
public record Safetensors(Map<String, String> metadata, Map<String, Tensor> tensors) {

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

  /** The file's bytes; equal contents give equal bytes. */
  public byte[] toBytes() {
    Map<String, int[]> shapes = new TreeMap<>();
    tensors.forEach((name, tensor) -> shapes.put(name, tensor.shape()));
    SafetensorsWriter writer = new SafetensorsWriter(metadata, shapes);
    ByteArrayOutputStream out = new ByteArrayOutputStream(Math.toIntExact(writer.size()));
    try {
      writer.write(out, tensors::get);
    } catch (IOException e) {
      throw new IllegalStateException("memory cannot fail", e);
    }
    return out.toByteArray();
  }

  /**
   * Reads a file.
   *
   * @throws MalformedFileException when the bytes are not a sound safetensors file
   */
  public static Safetensors fromBytes(byte[] bytes) {
    try {
      return read(new ByteArrayInputStream(bytes), bytes.length);
    } catch (IOException e) {
      throw new IllegalStateException("memory cannot fail", e);
    }
  }

  /**
   * Reads a file to its last tensor, holding no more than one tensor's bytes beside the result.
   *
   * @param fileBytes length of the whole file
   * @throws MalformedFileException when the bytes are not a sound safetensors file
   */
  public static Safetensors read(InputStream file, long fileBytes) throws IOException {
    SafetensorsHeader header = SafetensorsHeader.read(file, fileBytes);
    header.places().forEach(TensorPlace::requireReadable);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (TensorPlace place : header.places()) {
      tensors.put(place.name(), place.read(file));
    }
    return new Safetensors(header.metadata(), tensors);
  }
}
