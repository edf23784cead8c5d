package dev.espalier.artifacts.safetensors;

import dev.espalier.architecture.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a safetensors file says about itself. It is read as if an enemy had written it: no length is
 * believed before it was compared with the bytes that are there, and the tensors must fill the data
 * without gap or overlap.
 *
 * @param metadata free text under {@code __metadata__}
 * @param places of the tensors, in the order in which they lie in the file
 * @param dataBegin where the data begins in the file
 */
public record SafetensorsHeader(
    Map<String, String> metadata, List<TensorPlace> places, long dataBegin) {

  static final String METADATA = "__metadata__";
  static final int LENGTH_BYTES = Long.BYTES;
  static final int MAX_HEADER_BYTES = 16 << 20;
  private static final int MAX_TENSORS = 100_000;

  public SafetensorsHeader {
    metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
    places = List.copyOf(places);
  }

  /**
   * Reads the header off the beginning of a stream, which then stands at the data.
   *
   * @param fileBytes length of the whole file
   * @throws MalformedFileException when the file is not sound
   */
  public static SafetensorsHeader read(InputStream file, long fileBytes) throws IOException {
    byte[] prefix = file.readNBytes(LENGTH_BYTES);
    if (prefix.length < LENGTH_BYTES || fileBytes < LENGTH_BYTES) {
      throw new MalformedFileException(
          "expected a safetensors file but it has only %d bytes".formatted(prefix.length));
    }
    long said = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
    long most = Math.min(MAX_HEADER_BYTES, fileBytes - LENGTH_BYTES);
    if (said < 2 || said > most) {
      throw new MalformedFileException(
          "expected a safetensors header of 2..%d bytes but the file says %d"
              .formatted(most, said));
    }
    byte[] json = file.readNBytes((int) said);
    if (json.length < said) {
      throw new MalformedFileException(
          "expected a safetensors header of %d bytes but the file ends after %d"
              .formatted(said, json.length));
    }
    return of(json, fileBytes - LENGTH_BYTES - said);
  }

  private static SafetensorsHeader of(byte[] json, long dataBytes) {
    Map<?, ?> header = parsed(json);
    if (header.size() > MAX_TENSORS) {
      throw new MalformedFileException(
          "expected at most %d tensors but the header has %d"
              .formatted(MAX_TENSORS, header.size()));
    }
    Map<String, String> metadata = new TreeMap<>();
    List<TensorPlace> places = new ArrayList<>();
    for (Map.Entry<?, ?> entry : header.entrySet()) {
      String name = (String) entry.getKey();
      if (name.equals(METADATA)) {
        metadata.putAll(metadata(entry.getValue()));
      } else {
        places.add(TensorPlace.of(name, entry.getValue()));
      }
    }
    places.sort(Comparator.comparingLong(TensorPlace::begin).thenComparingLong(TensorPlace::end));
    requireCover(places, dataBytes);
    return new SafetensorsHeader(metadata, places, LENGTH_BYTES + (long) json.length);
  }

  private static Map<?, ?> parsed(byte[] json) {
    if (json[0] != '{') {
      throw new MalformedFileException("expected a safetensors header that starts with {");
    }
    try {
      CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json));
      if (Json.parse(text.toString()) instanceof Map<?, ?> header) {
        return header;
      }
      throw new MalformedFileException("expected a JSON object as the safetensors header");
    } catch (CharacterCodingException | IllegalArgumentException e) {
      throw new MalformedFileException(
          "the safetensors header is not JSON: "
              + TensorPlace.shown(String.valueOf(e.getMessage())),
          e);
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
            throw new MalformedFileException(
                "expected metadata %s to be a text".formatted(TensorPlace.shown((String) key)));
          }
          metadata.put((String) key, text);
        });
    return metadata;
  }

  private static void requireCover(List<TensorPlace> places, long dataBytes) {
    long end = 0;
    for (TensorPlace place : places) {
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
}
