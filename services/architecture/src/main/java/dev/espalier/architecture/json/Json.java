package dev.espalier.architecture.json;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The JSON of the modules that know the JDK alone: a strict reader into {@link Map}, {@link List},
 * {@link String}, {@link Long}, {@link Double}, {@link Boolean} and null, and a writer whose
 * canonical form names things by their hash.
 *
 * <p>The canonical form follows RFC 8785: keys in the order of their UTF-16 code units, no spaces,
 * the shortest number that reads back to the same double. {@code 1}, {@code 1L} and {@code 1.0} are
 * the same text, so that a keep ratio of 1 and of 1.0 name the same stage.
 */
public final class Json {

  /** Nesting that the reader accepts; our own documents need fewer than ten levels. */
  public static final int MAX_DEPTH = 64;

  private static final double EXACT_INTEGERS = 9007199254740992.0;

  private Json() {}

  /**
   * Reads one JSON document: numbers without fraction or exponent that fit become {@link Long},
   * other numbers {@link Double}; objects keep the order of their members.
   *
   * @throws JsonException for anything that is not exactly one JSON value, a repeated key, or more
   *     than {@value #MAX_DEPTH} levels; the message has the offset
   */
  public static Object parse(String text) {
    return new Parser(text).document();
  }

  /** Reads a document that must be an object. */
  public static JsonObject parseObject(String text) {
    return JsonObject.of("", parse(text));
  }

  /**
   * The canonical text of a tree of maps with text keys, lists, text, numbers, booleans and nulls.
   *
   * @throws JsonException for NaN, infinities and other types
   */
  public static String canonical(Object tree) {
    StringBuilder out = new StringBuilder();
    write(tree, out, true, -1);
    return out.toString();
  }

  /** For people: two spaces per level, members in their own order. */
  public static String pretty(Object tree) {
    StringBuilder out = new StringBuilder();
    write(tree, out, false, 0);
    return out.append('\n').toString();
  }

  /** Hex SHA-256 of the canonical text in UTF-8. */
  public static String sha256(Object tree) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return HexFormat.of()
          .formatHex(digest.digest(canonical(tree).getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private static void write(Object value, StringBuilder out, boolean sorted, int indent) {
    if (value == null) {
      out.append("null");
    } else if (value instanceof Map<?, ?> map) {
      writeObject(map, out, sorted, indent);
    } else if (value instanceof List<?> list) {
      writeArray(list, out, sorted, indent);
    } else if (value instanceof CharSequence text) {
      writeText(text, out);
    } else if (value instanceof Boolean flag) {
      out.append(flag.booleanValue());
    } else if (value instanceof Double || value instanceof Float) {
      out.append(number(((Number) value).doubleValue()));
    } else if (value instanceof Long
        || value instanceof Integer
        || value instanceof Short
        || value instanceof Byte) {
      out.append(((Number) value).longValue());
    } else {
      throw new JsonException("no JSON for a " + value.getClass().getName());
    }
  }

  private static void writeObject(Map<?, ?> map, StringBuilder out, boolean sorted, int indent) {
    Map<String, Object> members = sorted ? new TreeMap<>() : new LinkedHashMap<>();
    map.forEach(
        (key, member) -> {
          if (!(key instanceof String name)) {
            throw new JsonException("a JSON key must be text but is " + key);
          }
          members.put(name, member);
        });
    int inner = indent < 0 ? indent : indent + 1;
    out.append('{');
    String separator = "";
    for (Map.Entry<String, Object> member : members.entrySet()) {
      out.append(separator);
      newLine(out, inner);
      writeText(member.getKey(), out);
      out.append(indent < 0 ? ":" : ": ");
      write(member.getValue(), out, sorted, inner);
      separator = ",";
    }
    if (!members.isEmpty()) {
      newLine(out, indent);
    }
    out.append('}');
  }

  private static void writeArray(List<?> list, StringBuilder out, boolean sorted, int indent) {
    boolean flat =
        indent < 0 || list.stream().noneMatch(v -> v instanceof Map || v instanceof List);
    int inner = indent < 0 ? indent : indent + 1;
    out.append('[');
    for (int i = 0; i < list.size(); i++) {
      if (i > 0) {
        out.append(indent >= 0 && flat ? ", " : ",");
      }
      if (!flat) {
        newLine(out, inner);
      }
      write(list.get(i), out, sorted, inner);
    }
    if (!flat) {
      newLine(out, indent);
    }
    out.append(']');
  }

  private static void newLine(StringBuilder out, int indent) {
    if (indent >= 0) {
      out.append('\n').append("  ".repeat(indent));
    }
  }

  private static void writeText(CharSequence text, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < 0x20) {
            out.append("\\u%04x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  /**
   * The shortest decimal that reads back as {@code value}. {@link Double#toString} is not it before
   * JDK 19, and a hash must not depend on the JDK.
   */
  static String number(double value) {
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      throw new JsonException("JSON has no number " + value);
    }
    if (value == Math.rint(value) && Math.abs(value) < EXACT_INTEGERS) {
      return Long.toString((long) value);
    }
    BigDecimal shortest = shortest(value);
    int exponent = shortest.precision() - shortest.scale() - 1;
    if (exponent >= -6 && exponent < 21) {
      return shortest.toPlainString();
    }
    String digits = shortest.unscaledValue().abs().toString();
    return (value < 0 ? "-" : "")
        + digits.charAt(0)
        + (digits.length() > 1 ? "." + digits.substring(1) : "")
        + (exponent < 0 ? "e-" : "e+")
        + Math.abs(exponent);
  }

  /**
   * No two decimals of 15 digits read to one normal double, so the nearest of 15 digits, stripped
   * of zeros, is the shortest wherever it reads back at all; subnormal doubles are sparser.
   */
  private static BigDecimal shortest(double value) {
    boolean normal = Math.abs(value) >= Double.MIN_NORMAL;
    if (normal) {
      BigDecimal printed = new BigDecimal(Double.toString(value)).stripTrailingZeros();
      if (printed.precision() <= 15) {
        return printed;
      }
    }
    BigDecimal exact = new BigDecimal(value);
    for (int digits = normal ? 15 : 1; digits < 17; digits++) {
      BigDecimal rounded = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
      if (rounded.doubleValue() == value) {
        return rounded.stripTrailingZeros();
      }
    }
    return exact.round(new MathContext(17, RoundingMode.HALF_EVEN)).stripTrailingZeros();
  }

  private static final class Parser {

    private final String text;
    private int at;

    Parser(String text) {
      this.text = text;
    }

    Object document() {
      Object value = value(0);
      space();
      if (at < text.length()) {
        throw wrong("the end");
      }
      return value;
    }

    private Object value(int depth) {
      space();
      if (at >= text.length()) {
        throw wrong("a value");
      }
      return switch (text.charAt(at)) {
        case '{' -> object(inside(depth));
        case '[' -> array(inside(depth));
        case '"' -> text();
        case 't' -> literal("true", Boolean.TRUE);
        case 'f' -> literal("false", Boolean.FALSE);
        case 'n' -> literal("null", null);
        default -> number();
      };
    }

    private int inside(int depth) {
      if (depth >= MAX_DEPTH) {
        throw new JsonException(
            "JSON must nest at most %d levels but is deeper at offset %d".formatted(MAX_DEPTH, at));
      }
      at++;
      return depth + 1;
    }

    private Map<String, Object> object(int depth) {
      Map<String, Object> members = new LinkedHashMap<>();
      if (skip('}')) {
        return members;
      }
      do {
        space();
        if (at >= text.length() || text.charAt(at) != '"') {
          throw wrong("a key");
        }
        String key = text();
        if (!skip(':')) {
          throw wrong("':'");
        }
        if (members.containsKey(key)) {
          throw new JsonException("key \"%s\" is repeated before offset %d".formatted(key, at));
        }
        members.put(key, value(depth));
      } while (skip(','));
      if (!skip('}')) {
        throw wrong("',' or '}'");
      }
      return members;
    }

    private List<Object> array(int depth) {
      List<Object> values = new ArrayList<>();
      if (skip(']')) {
        return values;
      }
      do {
        values.add(value(depth));
      } while (skip(','));
      if (!skip(']')) {
        throw wrong("',' or ']'");
      }
      return values;
    }

    private String text() {
      StringBuilder out = new StringBuilder();
      at++;
      while (at < text.length()) {
        char c = text.charAt(at++);
        if (c == '"') {
          return out.toString();
        }
        if (c < 0x20) {
          at--;
          throw wrong("no control character inside text");
        }
        out.append(c == '\\' ? escape() : c);
      }
      throw wrong("'\"'");
    }

    private char escape() {
      if (at >= text.length()) {
        throw wrong("an escape");
      }
      char c = text.charAt(at++);
      return switch (c) {
        case '"', '\\', '/' -> c;
        case 'b' -> '\b';
        case 'f' -> '\f';
        case 'n' -> '\n';
        case 'r' -> '\r';
        case 't' -> '\t';
        case 'u' -> codeUnit();
        default -> {
          at--;
          throw wrong("an escape");
        }
      };
    }

    private char codeUnit() {
      int unit = 0;
      for (int i = 0; i < 4; i++) {
        int digit = at < text.length() ? Character.digit(text.charAt(at), 16) : -1;
        if (digit < 0 || text.charAt(at) > 'f') {
          throw wrong("four hexadecimal digits");
        }
        unit = unit * 16 + digit;
        at++;
      }
      return (char) unit;
    }

    private Object literal(String word, Object value) {
      if (!text.startsWith(word, at)) {
        throw wrong("a value");
      }
      at += word.length();
      return value;
    }

    private Object number() {
      int start = at;
      boolean fraction = false;
      if (peek('-')) {
        at++;
      }
      int whole = digits();
      if (whole == 0 || (whole > 1 && text.charAt(at - whole) == '0')) {
        at = start;
        throw wrong("a value");
      }
      if (peek('.')) {
        fraction = true;
        at++;
        if (digits() == 0) {
          throw wrong("a digit");
        }
      }
      if (peek('e') || peek('E')) {
        fraction = true;
        at++;
        if (peek('+') || peek('-')) {
          at++;
        }
        if (digits() == 0) {
          throw wrong("a digit");
        }
      }
      String literal = text.substring(start, at);
      if (!fraction && literal.length() <= 20) {
        try {
          return Long.valueOf(literal);
        } catch (NumberFormatException tooLong) {
          // read as a double below
        }
      }
      double value = Double.parseDouble(literal);
      if (Double.isInfinite(value)) {
        at = start;
        throw wrong("a number that fits a double");
      }
      return value;
    }

    private int digits() {
      int start = at;
      while (at < text.length() && text.charAt(at) >= '0' && text.charAt(at) <= '9') {
        at++;
      }
      return at - start;
    }

    private boolean peek(char c) {
      return at < text.length() && text.charAt(at) == c;
    }

    private boolean skip(char c) {
      space();
      if (peek(c)) {
        at++;
        return true;
      }
      return false;
    }

    private void space() {
      while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) {
        at++;
      }
    }

    private JsonException wrong(String expected) {
      String found =
          at >= text.length()
              ? "the text ends"
              : "'%s' comes".formatted(text.substring(at, Math.min(at + 10, text.length())));
      return new JsonException("expected %s at offset %d but %s".formatted(expected, at, found));
    }
  }
}
