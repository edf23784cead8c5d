package dev.espalier.architecture.cost;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** What a compression target counts. */
public enum TargetKind {
  /** Multiply-accumulates of one image. */
  MACS,
  /** Parameters. */
  PARAMS,
  /** Time of a forward pass, predicted by a table that was measured. */
  LATENCY;

  /** What follows from a shape alone, without a measurement. */
  public static final Set<TargetKind> COUNTED = Set.of(MACS, PARAMS);

  /** The name in specs and events: "macs", "params" or "latency". */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** All names, in the order in which people read them. */
  public static List<String> names() {
    return Arrays.stream(values()).map(TargetKind::text).toList();
  }

  /** Reads {@link #text()}. */
  public static TargetKind of(String text) {
    for (TargetKind kind : values()) {
      if (kind.text().equals(text)) {
        return kind;
      }
    }
    throw new IllegalArgumentException(
        "target kind must be one of %s but is %s"
            .formatted(names().stream().collect(Collectors.joining(", ")), text));
  }
}
