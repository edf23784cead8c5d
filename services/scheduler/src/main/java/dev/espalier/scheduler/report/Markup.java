package dev.espalier.scheduler.report;

import java.util.Locale;

/** A buffer of well-formed markup: text and attribute values go in escaped, tags as written. */
final class Markup {

  private final StringBuilder out = new StringBuilder();

  /** Appends tags written by us; {@code %s} takes what is already markup or a plain number. */
  Markup raw(String markup, Object... values) {
    out.append(values.length == 0 ? markup : String.format(Locale.ROOT, markup, values));
    return this;
  }

  /** Appends what others wrote. */
  Markup text(String text) {
    out.append(escape(text));
    return this;
  }

  Markup add(Markup other) {
    out.append(other.out);
    return this;
  }

  /**
   * Safe in text and in quoted attributes. Characters that XML cannot hold become U+FFFD, so that a
   * report stays well-formed whatever a name holds.
   */
  static String escape(String text) {
    StringBuilder escaped = new StringBuilder(text.length() + 16);
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> escaped.appendCodePoint(allowedInXml(c) ? c : 0xFFFD);
              }
            });
    return escaped.toString();
  }

  private static boolean allowedInXml(int c) {
    return c == '\t'
        || c == '\n'
        || c == '\r'
        || (c >= 0x20 && c <= 0xD7FF)
        || (c >= 0xE000 && c <= 0xFFFD)
        || (c >= 0x10000 && c <= 0x10FFFF);
  }

  @Override
  public String toString() {
    return out.toString();
  }
}
