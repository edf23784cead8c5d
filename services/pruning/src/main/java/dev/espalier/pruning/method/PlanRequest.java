package dev.espalier.pruning.method;

import dev.espalier.architecture.cost.Budget;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.ParameterPhase;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a plan is made from.
 *
 * @param base shape of the model to cut
 * @param importance what the search found
 * @param findings what else it found, as its result gave it
 * @param targetKind what the keep ratio is of
 * @param keepRatio share of the base's cost to keep, in (0, 1]
 * @param parameters of the prune stage by name
 * @param latency measured latencies of the base, where the target or the method needs them
 */
public record PlanRequest(
    VitArchitecture base,
    Importance importance,
    Optional<byte[]> findings,
    TargetKind targetKind,
    double keepRatio,
    Map<String, Object> parameters,
    Optional<LatencyTable> latency) {

  public PlanRequest {
    parameters = Collections.unmodifiableMap(new TreeMap<>(parameters));
    latency.ifPresent(table -> table.requireFor(base));
  }

  /** A request where nothing was measured. */
  public PlanRequest(
      VitArchitecture base,
      Importance importance,
      Optional<byte[]> findings,
      TargetKind targetKind,
      double keepRatio,
      Map<String, Object> parameters) {
    this(base, importance, findings, targetKind, keepRatio, parameters, Optional.empty());
  }

  /** What the keep ratio is of. */
  public Budget budget() {
    return LatencyTable.budget(targetKind, latency);
  }

  /** A request that says nothing of parameters but the alignment. */
  public static PlanRequest of(
      VitArchitecture base,
      Importance importance,
      Optional<byte[]> findings,
      TargetKind targetKind,
      double keepRatio,
      int alignment) {
    return new PlanRequest(
        base, importance, findings, targetKind, keepRatio, Map.of("alignment", alignment));
  }

  /** The same request; prune parameters that it does not name have the method's defaults. */
  public PlanRequest withDefaults(MethodDescriptor method) {
    return new PlanRequest(
        base,
        importance,
        findings,
        targetKind,
        keepRatio,
        method.parameters(ParameterPhase.PRUNE, parameters),
        latency);
  }

  /** Kept widths are multiples of it. */
  public int alignment() {
    return ((Number) parameter("alignment")).intValue();
  }

  /** A parameter of any type. */
  public Object parameter(String name) {
    Object value = parameters.get(name);
    if (value == null) {
      throw new IllegalArgumentException("parameter " + name + " is missing");
    }
    return value;
  }

  /** The findings, which the method needs. */
  public byte[] requireFindings() {
    return findings.orElseThrow(
        () -> new IllegalArgumentException("the plan needs the findings of a search"));
  }
}
