package dev.espalier.sweep.spec;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.json.JsonObject;
import dev.espalier.architecture.latency.LatencyGrid;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.vit.LabelledImages;
import dev.espalier.architecture.vit.VitArchitecture;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What can be checked of a spec only once its model and dataset are known. */
public final class SweepSpecCheck {

  private static final String WIDTHS =
      ": 1 head, 8 qk, 8 v, 16 mlp per block, 16 embedding, multiples of the alignment";

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
          check(
              violations,
              field,
              ratio,
              first,
              choice.name(),
              choice.parameters(),
              kind,
              spec,
              base);
          choice
              .then()
              .ifPresent(
                  then ->
                      check(
                          violations,
                          field,
                          ratio,
                          ratio / first,
                          then.name(),
                          then.parameters(),
                          kind,
                          spec,
                          base));
        }
      }
    }
    checkTable(violations, spec, base);
    return violations;
  }

  /**
   * Whether the model takes the dataset's images and tells its classes apart. A description that
   * does not say all of it, as those of early registrations may, is not held against the dataset.
   *
   * @param dataset its description with {@code channels}, {@code imageSize} and {@code classes}
   */
  public static List<Violation> fit(SweepSpec spec, VitArchitecture base, JsonObject dataset) {
    for (String member : List.of("channels", "imageSize", "classes")) {
      if (!(dataset.members().get(member) instanceof Number)) {
        return List.of();
      }
    }
    LabelledImages takes = LabelledImages.of(base);
    LabelledImages holds =
        new LabelledImages(
            dataset.count("channels"), dataset.count("imageSize"), dataset.count("classes"));
    return takes.equals(holds)
        ? List.of()
        : List.of(
            new Violation(
                "dataset",
                "%s, as model %s takes".formatted(takes, spec.model()),
                "\"%s\" of %s".formatted(spec.dataset(), holds)));
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
      String name,
      Map<String, Object> parameters,
      TargetKind kind,
      SweepSpec spec,
      VitArchitecture base) {
    MethodDescriptor method = Methods.get(name);
    if (!method.cuts()) {
      return; // it has a cell at keep ratio 1 alone
    }
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
    double floor = method.floor(base, kind, parameters);
    if (asked < floor) {
      Cost smallest = Cost.of(method.smallest(base, parameters));
      String found = asked == ratio ? String.valueOf(ratio) : "%.3f of %s".formatted(asked, ratio);
      violations.add(
          new Violation(
              field,
              "at least %s, the floor of %s on %s (%d of %d %s%s)"
                  .formatted(
                      roundedUp(floor),
                      method.name(),
                      spec.model(),
                      smallest.of(kind),
                      Cost.of(base).of(kind),
                      kind.text(),
                      UnitKind.WIDTHS.equals(method.prunes()) ? WIDTHS : ""),
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
