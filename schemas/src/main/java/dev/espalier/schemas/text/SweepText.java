package dev.espalier.schemas.text;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Reads a sweep's YAML, of which JSON is a part, into a tree. The text may come from anyone: its
 * size, nesting and aliases are bounded, and whatever is wrong comes back as a violation.
 *
 * <p>YAML 1.2 core schema: {@code on} and {@code yes} are text. Tags, several documents and
 * repeated keys are refused.
 */
public final class SweepText {

  /** Longest text, in bytes of UTF-8. */
  public static final int MAX_BYTES = 1 << 20;

  /** Deepest nesting of lists and objects. */
  public static final int MAX_DEPTH = 50;

  /** Most aliases in one text. */
  public static final int MAX_ALIASES = 100;

  /** Most values after aliases are expanded. */
  public static final int MAX_VALUES = 100_000;

  private SweepText() {}

  /** Reads a text; never throws for bad input. */
  public static TextReading read(String text) {
    if (text.length() > MAX_BYTES) {
      return tooLong(text.length());
    }
    return read(text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Reads at most one byte more than is allowed from the stream, and leaves it open.
   *
   * @throws IOException when the stream fails, not when its content is bad
   */
  public static TextReading read(InputStream stream) throws IOException {
    return read(stream.readNBytes(MAX_BYTES + 1));
  }

  /** Reads UTF-8 bytes; never throws for bad input. */
  public static TextReading read(byte[] bytes) {
    if (bytes.length > MAX_BYTES) {
      return tooLong(bytes.length);
    }
    String text;
    try {
      text =
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .onUnmappableCharacter(CodingErrorAction.REPORT)
              .decode(ByteBuffer.wrap(bytes))
              .toString();
    } catch (CharacterCodingException e) {
      return TextReading.refused("", "YAML or JSON in UTF-8", "bytes that are not UTF-8");
    }
    return parse(text);
  }

  private static TextReading tooLong(int bytes) {
    return TextReading.refused(
        "",
        "at most %d bytes".formatted(MAX_BYTES),
        bytes > MAX_BYTES + 1 ? bytes + " bytes" : "more");
  }

  private static TextReading parse(String text) {
    LoadSettings settings =
        LoadSettings.builder().setCodePointLimit(MAX_BYTES).setUseMarks(true).build();
    TreeBuilder builder = new TreeBuilder();
    try {
      for (Event event : new Parse(settings).parseString(text)) {
        builder.accept(event);
      }
      return builder.finish();
    } catch (TreeBuilder.Refused refused) {
      return refused.reading();
    } catch (MarkedYamlEngineException e) {
      return TextReading.refused("", "YAML or JSON", describe(e));
    } catch (YamlEngineException e) {
      return TextReading.refused("", "YAML or JSON", oneLine(e.getMessage()));
    }
  }

  private static String describe(MarkedYamlEngineException e) {
    String where = e.getProblemMark().map(SweepText::place).map(place -> " at " + place).orElse("");
    return oneLine(e.getProblem()) + where;
  }

  static String place(Mark mark) {
    return "line %d, column %d".formatted(mark.getLine() + 1, mark.getColumn() + 1);
  }

  private static String oneLine(String message) {
    String line = String.valueOf(message).replaceAll("\\p{Cntrl}+", " ").strip();
    return line.length() <= 160 ? line : line.substring(0, 160) + "...";
  }
}
