package dev.espalier.architecture.cost;

import java.util.Locale;

/** What a compression target counts. */
public enum TargetKind {
  /** Multiply-accumulates of one image. */
  MACS,
  /** Parameters. */
  PARAMS;

  /** The name in specs and events, "macs" or "params". */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Reads {@link #text()}. */
  public static TargetKind of(String text) {
    for (TargetKind kind : values()) {
      if (kind.text().equals(text)) {
        return kind;
      }
    }
    throw new IllegalArgumentException("target kind must be macs or params but is " + text);
  }
}
