package dev.espalier.sweep.planning;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.json.Json;
import dev.espalier.sweep.spec.MethodChoice;
import dev.espalier.sweep.spec.MethodLabels;
import dev.espalier.sweep.spec.SweepSpec;
import dev.espalier.sweep.spec.Then;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One configuration of a sweep; its repeats differ in the seed alone.
 *
 * @param method name
 * @param parameters of the method, all of them
 * @param redistribution policy, or "none"
 * @param targetKind what the keep ratio is of
 * @param keepRatio in (0, 1]
 * @param then a method that follows on the recovered model
 */
public record Cell(
    String method,
    Map<String, Object> parameters,
    String redistribution,
    TargetKind targetKind,
    double keepRatio,
    Optional<Then> then) {

  public Cell {
    parameters = Collections.unmodifiableMap(new TreeMap<>(parameters));
  }

  /** A cell of one method. */
  public Cell(
      String method,
      Map<String, Object> parameters,
      String redistribution,
      TargetKind targetKind,
      double keepRatio) {
    this(method, parameters, redistribution, targetKind, keepRatio, Optional.empty());
  }

  /** 8 hex digits that name the cell within its sweep. */
  public String id() {
    Map<String, Object> identity = new TreeMap<>();
    identity.put("method", method);
    identity.put("parameters", parameters);
    identity.put("redistribution", redistribution);
    identity.put("targetKind", targetKind.text());
    identity.put("keepRatio", keepRatio);
    then.ifPresent(second -> identity.put("then", second.toTree()));
    return Json.sha256(identity).substring(0, 8);
  }

  /** The methods for people and tables: "nvit", "nvit-then-dynamicvit". */
  public String label() {
    return MethodLabels.of(choice());
  }

  /** As the sweep tells them from its other ones: "magnitude alignment=8". */
  public String label(SweepSpec spec) {
    return MethodLabels.of(spec, choice());
  }

  private MethodChoice choice() {
    return new MethodChoice(method, parameters, List.of(redistribution), then);
  }

  /** For people: "nvit + smooth, macs 0.5". */
  public String title() {
    return title(label());
  }

  /** With the methods called as their sweep calls them. */
  public String title(String label) {
    return "%s%s, %s %s"
        .formatted(
            label,
            redistribution.equals("none") ? "" : " + " + redistribution,
            targetKind.text(),
            Json.canonical(keepRatio));
  }
}
