package dev.espalier.sweep.planning;

import dev.espalier.sweep.assignment.Capability;
import dev.espalier.sweep.assignment.Worker;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Stages of a plan for which no worker is there: the sweep would wait at them until one joins.
 *
 * @param needs what the worker must be able to do
 * @param deviceKind what it must run on; empty if that is all the same
 * @param labels what it must have
 * @param stages how many stages wait for it
 */
public record Unserved(
    Capability needs, String deviceKind, Map<String, String> labels, int stages) {

  public Unserved {
    labels = Map.copyOf(labels);
  }

  /** What none of the workers can do, in the order in which trials come to it. */
  public static List<Unserved> of(SweepPlan plan, List<Worker> workers) {
    Map<Unserved, Integer> counts = new LinkedHashMap<>();
    for (PlannedStage stage : plan.distinctStages()) {
      Capability needs = capability(stage);
      Unserved kind =
          new Unserved(
              needs, needs.onDevice(stage.spec().numerics().deviceKind()), labels(stage.spec()), 0);
      counts.merge(kind, 1, Integer::sum);
    }
    List<Unserved> unserved = new ArrayList<>();
    counts.forEach(
        (kind, stages) -> {
          if (workers.stream()
              .noneMatch(worker -> worker.able(kind.needs, kind.deviceKind, kind.labels))) {
            unserved.add(new Unserved(kind.needs, kind.deviceKind, kind.labels, stages));
          }
        });
    return unserved;
  }

  static Capability capability(PlannedStage stage) {
    StageSpec spec = stage.spec();
    return new Capability(spec.kind().name(), spec.algorithm(), spec.algorithmVersion());
  }

  private static Map<String, String> labels(StageSpec spec) {
    Map<String, String> labels = new TreeMap<>();
    if (spec.parameters().get("labels") instanceof Map<?, ?> given) {
      given.forEach((name, value) -> labels.put(String.valueOf(name), String.valueOf(value)));
    }
    return labels;
  }

  /** "evaluate latency-table@2 on cpu with room=cellar". */
  public String inWords() {
    return "%s %s@%d%s%s"
        .formatted(
            StageKind.valueOf(needs.kind()).text(),
            needs.algorithm(),
            needs.version(),
            deviceKind.isEmpty() ? "" : " on " + deviceKind,
            new TreeMap<>(labels)
                .entrySet().stream()
                    .map(label -> label.getKey() + "=" + label.getValue())
                    .collect(Collectors.joining(", ", labels.isEmpty() ? "" : " with ", "")));
  }

  /** The tree form, for JSON output. */
  public Map<String, Object> toTree() {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("kind", StageKind.valueOf(needs.kind()).text());
    tree.put("algorithm", "%s@%d".formatted(needs.algorithm(), needs.version()));
    tree.put("deviceKind", deviceKind);
    tree.put("labels", labels);
    tree.put("stages", stages);
    return tree;
  }
}
