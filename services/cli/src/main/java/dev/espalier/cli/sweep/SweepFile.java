package dev.espalier.cli.sweep;

import dev.espalier.cli.BadInput;
import dev.espalier.schemas.text.SweepText;
import dev.espalier.schemas.text.TextReading;
import dev.espalier.sweep.spec.SpecReading;
import dev.espalier.sweep.spec.SweepSpec;
import dev.espalier.sweep.spec.SweepSpecReader;
import dev.espalier.sweep.spec.Violation;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A sweep as it stands in a file. It goes through the reader that every door uses before anything
 * is sent, so that a bad file is refused in the same words, with and without a scheduler.
 *
 * @param text as it is sent
 */
public record SweepFile(byte[] text, SweepSpec spec) {

  private static final Path STANDARD_INPUT = Path.of("-");

  /**
   * Reads and checks a file, or standard input for "-".
   *
   * @throws BadInput with everything that is wrong
   */
  public static SweepFile read(Path file) {
    return of(bytes(file));
  }

  /** Checks a text. */
  public static SweepFile of(byte[] text) {
    TextReading reading = SweepText.read(text);
    if (!reading.isValid()) {
      throw new BadInput(
          reading.violations().stream()
              .map(v -> new Violation(v.field(), v.expected(), v.found()))
              .toList());
    }
    SpecReading spec = SweepSpecReader.read(reading.tree());
    if (!spec.violations().isEmpty()) {
      throw new BadInput(spec.violations());
    }
    return new SweepFile(text, spec.orThrow());
  }

  private static byte[] bytes(Path file) {
    try {
      if (file.equals(STANDARD_INPUT)) {
        return System.in.readNBytes(SweepText.MAX_BYTES + 1);
      }
      if (!Files.isRegularFile(file)) {
        throw new BadInput(
            "FILE",
            "a file with a sweep",
            Files.exists(file) ? file + ", which is none" : file + ", which is not there");
      }
      try (InputStream in = Files.newInputStream(file)) {
        return in.readNBytes(SweepText.MAX_BYTES + 1);
      }
    } catch (IOException e) {
      throw new BadInput("FILE", "a file that can be read", file + " (" + e.getMessage() + ")");
    }
  }
}
