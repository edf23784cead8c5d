package dev.espalier.sweep.spec;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.latency.LatencyGrid;
import dev.espalier.architecture.method.Floors;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.vit.VitArchitecture;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/** What can be checked of a spec only once its model and dataset are known. */
public final class SweepSpecCheck {

  private SweepSpecCheck() {}

  /** Keep ratios below a method's floor on this base, each with the floor in the message. */
  public static List<Violation> floors(SweepSpec spec, VitArchitecture base) {
    List<Violation> violations = new ArrayList<>();
    for (TargetKind kind : TargetKind.values()) {
      List<Double> ratios = spec.targets().of(kind);
      for (int i = 0; i < ratios.size(); i++) {
        String field = "targets.%s[%d]".formatted(kind.text(), i);
        for (MethodChoice choice : spec.methods()) {
          double ratio = ratios.get(i);
          double first = choice.then().map(then -> then.first(ratio)).orElse(ratio);
          check(violations, field, ratio, first, Methods.get(choice.name()), kind, spec, base);
          choice
              .then()
              .ifPresent(
                  then -> {
                    MethodDescriptor second = Methods.get(then.name());
                    check(violations, field, ratio, ratio / first, second, kind, spec, base);
                  });
        }
      }
    }
    checkTable(violations, spec, base);
    return violations;
  }

  /** Whether a latency table can be measured of the base, where one is needed. */
  private static void checkTable(List<Violation> violations, SweepSpec spec, VitArchitecture base) {
    boolean needed =
        !spec.targets().latency().isEmpty()
            || spec.methods().stream()
                .anyMatch(choice -> Methods.get(choice.name()).searchUsesLatency());
    if (!needed) {
      return;
    }
    try {
      LatencyGrid.of(base);
    } catch (IllegalArgumentException e) {
      violations.add(new Violation("model", e.getMessage(), "\"" + spec.model() + "\""));
    }
  }

  /** Whether a method can keep as little as {@code asked} for the trial's {@code ratio}. */
  private static void check(
      List<Violation> violations,
      String field,
      double ratio,
      double asked,
      MethodDescriptor method,
      TargetKind kind,
      SweepSpec spec,
      VitArchitecture base) {
    if (!method.targets().contains(kind)) {
      violations.add(
          new Violation(
              field,
              "a target of %s: %s meets no other"
                  .formatted(
                      method.targets().stream()
                          .map(TargetKind::text)
                          .sorted()
                          .collect(Collectors.joining(" or ")),
                      method.name()),
              String.valueOf(ratio)));
      return;
    }
    double floor = method.floor(base, kind);
    if (asked < floor) {
      Cost smallest = Cost.of(Floors.smallest(base, method.prunes()));
      String found = asked == ratio ? String.valueOf(ratio) : "%.3f of %s".formatted(asked, ratio);
      violations.add(
          new Violation(
              field,
              "at least %s, the floor of %s on %s (%d of %d %s: 1 head, 8 qk, 8 v, 16 mlp per block, 16 embedding)"
                  .formatted(
                      roundedUp(floor),
                      method.name(),
                      spec.model(),
                      smallest.of(kind),
                      Cost.of(base).of(kind),
                      kind.text()),
              found));
    }
  }

  /** A name that the registry does not know. */
  public static Violation unregistered(
      String field, String kind, String name, Collection<String> known) {
    String expected =
        Suggestions.nearest(name, known)
            .map(near -> "a registered %s; did you mean %s?".formatted(kind, near))
            .orElseGet(
                () ->
                    "a registered %s%s"
                        .formatted(
                            kind,
                            known.isEmpty()
                                ? " (none is registered)"
                                : ": one of " + String.join(", ", new java.util.TreeSet<>(known))));
    return new Violation(field, expected, "\"" + name + "\"");
  }

  /** Three digits, never below the floor itself. */
  static String roundedUp(double floor) {
    return new BigDecimal(floor)
        .round(new MathContext(3, RoundingMode.UP))
        .stripTrailingZeros()
        .toPlainString();
  }
}
