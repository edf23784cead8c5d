package dev.espalier.artifacts.model;

import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** A table of measured latencies as a file: its canonical JSON in UTF-8. */
public final class LatencyFile {

  private static final int MAX_BYTES = 16 << 20;

  private LatencyFile() {}

  /** The table as bytes. */
  public static byte[] write(LatencyTable table) {
    return table.toJson().getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Reads a table back.
   *
   * @throws MalformedFileException when the bytes are not a valid table
   */
  public static LatencyTable read(byte[] bytes) {
    if (bytes.length > MAX_BYTES) {
      throw new MalformedFileException(
          "expected a latency table of at most %d bytes but it has %d"
              .formatted(MAX_BYTES, bytes.length));
    }
    try {
      return LatencyTable.fromJson(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException | IllegalArgumentException e) {
      throw new MalformedFileException("not a latency table: " + e.getMessage(), e);
    }
  }
}
