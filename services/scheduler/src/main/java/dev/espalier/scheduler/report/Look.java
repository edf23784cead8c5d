package dev.espalier.scheduler.report;

import dev.espalier.scheduler.report.SweepResults.CellResult;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * How series are told apart: a colour for each method and a shape for each redistribution policy,
 * so that no pair differs in colour alone.
 */
final class Look {

  /** Colours that the style sheet defines as {@code --s0 ... --s6}. */
  private static final int COLOURS = 7;

  /** Full, hollow, pale. */
  private static final List<String> FILLINGS = List.of("", " hollow", " pale");

  private final List<String> methods;
  private final List<String> policies;

  Look(SweepResults results) {
    this(results.cells());
  }

  Look(List<CellResult> cells) {
    Set<String> methodNames = new LinkedHashSet<>();
    Set<String> policyNames = new LinkedHashSet<>();
    policyNames.add("none");
    cells.forEach(
        cell -> {
          methodNames.add(cell.method());
          policyNames.add(cell.redistribution());
        });
    this.methods = List.copyOf(methodNames);
    this.policies = List.copyOf(policyNames);
  }

  /** CSS classes of the method's colour and, where colours come round again, of its filling. */
  String colour(String method) {
    int index = Math.max(0, methods.indexOf(method));
    return "s" + index % COLOURS + FILLINGS.get(index / COLOURS % FILLINGS.size());
  }

  /** Dash pattern of the policy's lines. */
  String dash(String policy) {
    return switch (policies.indexOf(policy)) {
      case 1 -> "6 4";
      case 2 -> "2 3";
      case 3 -> "9 3 2 3";
      default -> "none";
    };
  }

  /** The policy's marker around (x, y). */
  String marker(String policy, double x, double y) {
    String path =
        switch (policies.indexOf(policy)) {
          case 1 -> "M-4.6-4.6H4.6V4.6H-4.6Z";
          case 2 -> "M0-6L5.8 4.4H-5.8Z";
          case 3 -> "M0-6.4L6.4 0 0 6.4-6.4 0Z";
          default -> "M-5 0A5 5 0 1 0 5 0 5 5 0 1 0-5 0Z";
        };
    return "<path transform=\"translate(%s %s)\" d=\"%s\"/>".formatted(px(x), px(y), path);
  }

  /** The base model's marker: an open ring with a dot. */
  static String baseMarker(double x, double y) {
    return ("<g class=\"basemark\" transform=\"translate(%s %s)\"><circle r=\"6\"/>"
            + "<circle r=\"1.8\" class=\"dot\"/></g>")
        .formatted(px(x), px(y));
  }

  /** Pixels with one decimal. */
  static String px(double value) {
    return String.format(java.util.Locale.ROOT, "%.1f", value);
  }

  List<String> methods() {
    return methods;
  }

  List<String> policies() {
    return policies;
  }
}
