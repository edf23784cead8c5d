package dev.espalier.sweep.planning;

import dev.espalier.architecture.json.Json;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One step of a trial, complete enough to run and to be named by its hash.
 *
 * @param kind what it does
 * @param algorithm method or policy; the kind's name where there is only one
 * @param algorithmVersion raised whenever results change
 * @param parameters all of them, values as in JSON, sorted by name
 * @param seed 0 where no random numbers are drawn
 * @param inputs outputs of other stages
 * @param outsideInputs registered files
 * @param numerics what else changes the numbers
 * @param scope who may share the stage: a team, or one sweep when its cache is off
 */
public record StageSpec(
    StageKind kind,
    String algorithm,
    int algorithmVersion,
    Map<String, Object> parameters,
    long seed,
    List<StageInput> inputs,
    List<OutsideInput> outsideInputs,
    Numerics numerics,
    String scope) {

  public StageSpec {
    parameters = Collections.unmodifiableMap(new TreeMap<>(parameters));
    inputs = inputs.stream().sorted(Comparator.comparing(StageInput::role)).toList();
    outsideInputs =
        outsideInputs.stream().sorted(Comparator.comparing(OutsideInput::role)).toList();
  }

  /**
   * The stage's identity: hex SHA-256 of canonical JSON. Names and sizes of outside files stay out,
   * their digests are in.
   */
  public String id() {
    return Json.sha256(identity());
  }

  /** "nvit@1": what a worker must announce to be given this stage. */
  public String capability() {
    return algorithm + "@" + algorithmVersion;
  }

  /** For people: "search nvit macs 1 -> 0.95", "prune magnitude macs 0.5". */
  public String title() {
    StringBuilder title = new StringBuilder(kind.text());
    if (!algorithm.equals(kind.text())) {
      title.append(' ').append(algorithm);
    }
    if (parameters.containsKey("keepRatioTo")) {
      title
          .append(' ')
          .append(parameters.get("targetKind"))
          .append(' ')
          .append(Json.canonical(parameters.get("keepRatioFrom")))
          .append(" -> ")
          .append(Json.canonical(parameters.get("keepRatioTo")));
    } else if (parameters.containsKey("keepRatio")) {
      title
          .append(' ')
          .append(parameters.get("targetKind"))
          .append(' ')
          .append(Json.canonical(parameters.get("keepRatio")));
    }
    if (seed != 0) {
      title.append(", seed ").append(seed);
    }
    return title.toString();
  }

  private Map<String, Object> identity() {
    List<Object> stageInputs = new ArrayList<>();
    for (StageInput input : inputs) {
      stageInputs.add(
          Map.of("role", input.role(), "stage", input.stageId(), "output", input.output()));
    }
    List<Object> files = new ArrayList<>();
    for (OutsideInput input : outsideInputs) {
      files.add(Map.of("role", input.role(), "sha256", input.artifact().sha256()));
    }
    Map<String, Object> identity = new TreeMap<>();
    identity.put("kind", kind.text());
    identity.put("algorithm", algorithm);
    identity.put("version", algorithmVersion);
    identity.put("parameters", parameters);
    identity.put("seed", seed);
    identity.put("inputs", stageInputs);
    identity.put("outside", files);
    identity.put(
        "numerics",
        Map.of(
            "precision", numerics.precision(),
            "deviceKind", numerics.deviceKind(),
            "threads", numerics.threads(),
            "engineVersion", numerics.engineVersion()));
    identity.put("scope", scope);
    return identity;
  }
}
