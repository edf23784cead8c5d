package dev.espalier.sweep.spec;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
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

/** What can be checked of a spec only once its model and dataset are known. */
public final class SweepSpecCheck {

  private SweepSpecCheck() {}

  /** Keep ratios below a method's floor on this base, each with the floor in the message. */
  public static List<Violation> floors(SweepSpec spec, VitArchitecture base) {
    List<Violation> violations = new ArrayList<>();
    for (TargetKind kind : TargetKind.values()) {
      List<Double> ratios =
          kind == TargetKind.MACS ? spec.targets().macs() : spec.targets().params();
      for (int i = 0; i < ratios.size(); i++) {
        for (MethodChoice choice : spec.methods()) {
          MethodDescriptor method = Methods.get(choice.name());
          double floor = method.floor(base, kind);
          if (ratios.get(i) < floor) {
            Cost smallest = Cost.of(Floors.smallest(base, method.prunes()));
            violations.add(
                new Violation(
                    "targets.%s[%d]".formatted(kind.text(), i),
                    "at least %s, the floor of %s on %s (%d of %d %s: 1 head, 8 qk, 8 v, 16 mlp per block, 16 embedding)"
                        .formatted(
                            roundedUp(floor),
                            method.name(),
                            spec.model(),
                            smallest.of(kind),
                            Cost.of(base).of(kind),
                            kind.text()),
                    String.valueOf(ratios.get(i))));
          }
        }
      }
    }
    return violations;
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
