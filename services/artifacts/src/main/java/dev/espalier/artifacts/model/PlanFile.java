package dev.espalier.artifacts.model;

import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** A pruning plan as a file: its canonical JSON in UTF-8, so that its digest is the plan's hash. */
public final class PlanFile {

  private static final int MAX_BYTES = 64 << 20;

  private PlanFile() {}

  /** The plan as bytes; equal plans give equal bytes. */
  public static byte[] write(PruningPlan plan) {
    return plan.toJson().getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Reads a plan back.
   *
   * @throws MalformedFileException when the bytes are not a valid plan
   */
  public static PruningPlan read(byte[] bytes) {
    if (bytes.length > MAX_BYTES) {
      throw new MalformedFileException(
          "expected a plan of at most %d bytes but it has %d".formatted(MAX_BYTES, bytes.length));
    }
    try {
      String json = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      return PruningPlan.fromJson(json);
    } catch (CharacterCodingException | IllegalArgumentException e) {
      throw new MalformedFileException("not a pruning plan: " + e.getMessage(), e);
    }
  }
}
