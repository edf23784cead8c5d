package dev.espalier.scheduler.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.espalier.architecture.vit.VitArchitecture;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * Looks at a model file without loading it: the header of a safetensors file whose metadata holds
 * the architecture. Written for files from strangers: every length is checked before it is used.
 */
final class ModelFile {

  static final String ARCHITECTURE_KEY = "espalier.architecture";

  private static final int MAX_HEADER = 8 << 20;
  private static final Map<String, Integer> BYTES_PER_ELEMENT =
      Map.of(
          "F64", 8, "F32", 4, "F16", 2, "BF16", 2, "I64", 8, "I32", 4, "I16", 2, "I8", 1, "U8", 1);
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private ModelFile() {}

  /** The architecture's canonical JSON. */
  static String architecture(InputStream file, long sizeBytes) throws IOException, InvalidArtifact {
    byte[] prefix = file.readNBytes(8);
    if (prefix.length < 8) {
      throw new InvalidArtifact("a safetensors file", sizeBytes + " bytes");
    }
    long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (length < 2 || length > MAX_HEADER || length > sizeBytes - 8) {
      throw new InvalidArtifact(
          "a safetensors file with a header of 2 to %d bytes"
              .formatted(Math.min(MAX_HEADER, sizeBytes - 8)),
          "a header length of " + Long.toUnsignedString(length));
    }
    byte[] header = file.readNBytes((int) length);
    JsonNode root;
    try {
      root = JSON.readTree(new String(header, StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw new InvalidArtifact("a JSON header", "text that is not JSON");
    }
    if (root == null || !root.isObject()) {
      throw new InvalidArtifact("a JSON object as header", "something else");
    }
    long data = sizeBytes - 8 - length;
    for (Map.Entry<String, JsonNode> tensor : root.properties()) {
      if (!tensor.getKey().equals("__metadata__")) {
        check(tensor.getKey(), tensor.getValue(), data);
      }
    }
    JsonNode architecture = root.path("__metadata__").path(ARCHITECTURE_KEY);
    if (!architecture.isTextual()) {
      throw new InvalidArtifact(
          "a model whose metadata holds " + ARCHITECTURE_KEY, "a safetensors file without it");
    }
    try {
      return VitArchitecture.fromJson(architecture.textValue()).toJson();
    } catch (IllegalArgumentException e) {
      throw new InvalidArtifact("an architecture in " + ARCHITECTURE_KEY, e.getMessage());
    }
  }

  private static void check(String name, JsonNode tensor, long data) throws InvalidArtifact {
    Integer bytes = BYTES_PER_ELEMENT.get(tensor.path("dtype").asText());
    JsonNode shape = tensor.path("shape");
    JsonNode offsets = tensor.path("data_offsets");
    if (bytes == null || !shape.isArray() || offsets.size() != 2) {
      throw new InvalidArtifact(
          "dtype, shape and data_offsets for each tensor", "tensor " + name + " without them");
    }
    long size = bytes;
    for (JsonNode axis : shape) {
      if (!axis.isIntegralNumber() || axis.asLong() < 0 || axis.asLong() > Integer.MAX_VALUE) {
        throw new InvalidArtifact(
            "lengths of axes from 0 to 2147483647", "tensor %s of shape %s".formatted(name, shape));
      }
      try {
        size = Math.multiplyExact(size, axis.asLong());
      } catch (ArithmeticException e) {
        throw new InvalidArtifact(
            "a tensor that fits its file", "tensor %s of shape %s".formatted(name, shape));
      }
    }
    long from = offsets.path(0).asLong(-1);
    long to = offsets.path(1).asLong(-1);
    if (from < 0 || to < from || to > data || to - from != size) {
      throw new InvalidArtifact(
          "data_offsets of %d bytes within %d".formatted(size, data),
          "tensor %s at %s".formatted(name, offsets));
    }
  }
}
