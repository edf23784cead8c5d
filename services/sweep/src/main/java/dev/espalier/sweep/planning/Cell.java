package dev.espalier.sweep.planning;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.json.Json;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * One configuration of a sweep; its repeats differ in the seed alone.
 *
 * @param method name
 * @param parameters of the method, all of them
 * @param redistribution policy, or "none"
 * @param targetKind what the keep ratio is of
 * @param keepRatio in (0, 1]
 */
public record Cell(
    String method,
    Map<String, Object> parameters,
    String redistribution,
    TargetKind targetKind,
    double keepRatio) {

  public Cell {
    parameters = Collections.unmodifiableMap(new TreeMap<>(parameters));
  }

  /** 8 hex digits that name the cell within its sweep. */
  public String id() {
    return Json.sha256(
            Map.of(
                "method", method,
                "parameters", parameters,
                "redistribution", redistribution,
                "targetKind", targetKind.text(),
                "keepRatio", keepRatio))
        .substring(0, 8);
  }

  /** For people: "nvit + smooth, macs 0.5". */
  public String title() {
    return "%s%s, %s %s"
        .formatted(
            method,
            redistribution.equals("none") ? "" : " + " + redistribution,
            targetKind.text(),
            Json.canonical(keepRatio));
  }
}
