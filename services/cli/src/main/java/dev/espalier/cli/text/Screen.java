package dev.espalier.cli.text;

import java.io.PrintStream;

/**
 * Where output goes.
 *
 * @param out standard output
 * @param terminal whether someone watches it; the launcher knows, as the JVM's console also wants a
 *     terminal for input
 * @param width columns
 * @param colour whether to use colour
 */
public record Screen(PrintStream out, boolean terminal, int width, boolean colour) {

  private static final int WIDTH = 100;
  private static final int NARROWEST = 40;

  public static Screen standard() {
    String term = System.getenv("TERM");
    boolean terminal =
        Boolean.parseBoolean(System.getProperty("espalier.terminal", "false"))
            && !"dumb".equals(term);
    int width = WIDTH;
    try {
      width = Integer.parseInt(System.getProperty("espalier.columns", "" + WIDTH));
    } catch (NumberFormatException unknown) {
      // Keep the default.
    }
    String noColour = System.getenv("NO_COLOR");
    return new Screen(
        System.out,
        terminal,
        Math.max(NARROWEST, width),
        terminal && (noColour == null || noColour.isEmpty()));
  }

  public String bold(String text) {
    return colour ? "\u001b[1m" + text + "\u001b[0m" : text;
  }

  public String faint(String text) {
    return colour ? "\u001b[2m" + text + "\u001b[0m" : text;
  }
}
