package dev.espalier.scheduler.report;

import java.util.Locale;

/**
 * Numbers for people: SI prefixes, percent, durations. Always with a point, whatever the locale.
 */
final class Figures {

  private Figures() {}

  /** 1_234_567 as "1.23 M". */
  static String count(double value) {
    double size = Math.abs(value);
    if (size >= 1e9) {
      return digits(value / 1e9) + " G";
    }
    if (size >= 1e6) {
      return digits(value / 1e6) + " M";
    }
    if (size >= 1e3) {
      return digits(value / 1e3) + " k";
    }
    return value == Math.rint(value) ? Long.toString((long) value) : digits(value);
  }

  /** Three significant digits, without an exponent. */
  static String digits(double value) {
    double size = Math.abs(value);
    String format = size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : size >= 0.1 ? "%.2f" : "%.3f";
    return minus(String.format(Locale.ROOT, format, value));
  }

  /** A share in [0, 1] as percent with one decimal, without the sign. */
  static String percent(double share) {
    return minus(String.format(Locale.ROOT, "%.1f", share * 100));
  }

  /** A difference of shares in points, always with a sign. */
  static String points(double difference) {
    return minus(String.format(Locale.ROOT, "%+.1f", difference * 100));
  }

  /** A ratio, "1.84×". */
  static String times(double ratio) {
    return String.format(Locale.ROOT, "%.2f×", ratio);
  }

  /** "0.5", "0.55". */
  static String ratio(double keepRatio) {
    String text = String.format(Locale.ROOT, "%.4f", keepRatio);
    text = text.replaceAll("0+$", "");
    return text.endsWith(".") ? text + "0" : text;
  }

  static String scientific(double value) {
    String text = String.format(Locale.ROOT, "%.1e", value);
    return value == 0 ? "0" : minus(text.replaceAll("e([+-])0*", "e$1").replace("e+", "e"));
  }

  static String duration(double seconds) {
    if (seconds < 1) {
      return String.format(Locale.ROOT, "%.0f\u00a0ms", seconds * 1000);
    }
    if (seconds < 60) {
      return String.format(Locale.ROOT, "%.1f\u00a0s", seconds);
    }
    long whole = Math.round(seconds);
    if (whole < 3600) {
      return "%d\u00a0min\u00a0%02d\u00a0s".formatted(whole / 60, whole % 60);
    }
    return "%d\u00a0h\u00a0%02d\u00a0min".formatted(whole / 3600, whole % 3600 / 60);
  }

  static String bytes(double bytes) {
    if (bytes >= 1 << 20) {
      return digits(bytes / (1 << 20)) + " MiB";
    }
    return bytes >= 1024 ? digits(bytes / 1024) + " KiB" : (long) bytes + " B";
  }

  /** A tick label with as many decimals as the axis' step needs. */
  static String tick(double value, double step) {
    int decimals = (int) Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    return minus(String.format(Locale.ROOT, "%." + decimals + "f", value));
  }

  private static String minus(String number) {
    String clean = number.matches("[-+]0(\\.0+)?") ? number.substring(1) : number;
    return clean.replace('-', '−');
  }
}
