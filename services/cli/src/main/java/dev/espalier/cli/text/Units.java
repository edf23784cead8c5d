package dev.espalier.cli.text;

import java.util.Locale;

/** Figures as people read them. */
public final class Units {

  private Units() {}

  /** "8.4 s", "2 min 05 s", "1 h 03 min". */
  public static String duration(double seconds) {
    if (seconds < 10) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    long whole = Math.round(seconds);
    if (whole < 60) {
      return whole + " s";
    }
    if (whole < 3600) {
      return "%d min %02d s".formatted(whole / 60, whole % 60);
    }
    return "%d h %02d min".formatted(whole / 3600, whole % 3600 / 60);
  }

  /** "0:08", "2:05", "1:03:20". */
  public static String clock(double seconds) {
    long whole = Math.max(0, Math.round(seconds));
    return whole < 3600
        ? "%d:%02d".formatted(whole / 60, whole % 60)
        : "%d:%02d:%02d".formatted(whole / 3600, whole % 3600 / 60, whole % 60);
  }

  /** A share in percent with one decimal. */
  public static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }

  /** "681.6 k", "33.7 M". */
  public static String count(double value) {
    if (Math.abs(value) >= 1e9) {
      return String.format(Locale.ROOT, "%.2f G", value / 1e9);
    }
    if (Math.abs(value) >= 1e6) {
      return String.format(Locale.ROOT, "%.1f M", value / 1e6);
    }
    if (Math.abs(value) >= 1e4) {
      return String.format(Locale.ROOT, "%.1f k", value / 1e3);
    }
    return String.format(Locale.ROOT, "%.0f", value);
  }

  /** "3.9 MB". */
  public static String bytes(double value) {
    if (value >= 1e9) {
      return String.format(Locale.ROOT, "%.1f GB", value / 1e9);
    }
    if (value >= 1e6) {
      return String.format(Locale.ROOT, "%.1f MB", value / 1e6);
    }
    return value >= 1e3
        ? String.format(Locale.ROOT, "%.1f kB", value / 1e3)
        : String.format(Locale.ROOT, "%.0f B", value);
  }

  public static String plural(long count, String noun) {
    return count + " " + noun + (count == 1 ? "" : "s");
  }
}
