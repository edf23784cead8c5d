package dev.espalier.sweep.spec;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.Methods;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Reads how models are measured, and where. */
final class EvaluationReading {

  /** Names of devices hold spaces, signs and brackets; none begins or ends with a space. */
  static final Pattern LABEL_VALUE = Pattern.compile("[!-~]([ -~]{0,126}[!-~])?");

  static final int MAX_LABELS = 8;

  private static final String FIELD = "evaluation";
  private static final String LABELS = "labels";

  private static final Set<String> KNOWN = Set.of("batchSize", "runs", "speed", LABELS);

  private EvaluationReading() {}

  static Evaluation evaluation(Fields sweep, List<Violation> violations) {
    Evaluation defaults = Evaluation.DEFAULTS;
    Fields evaluation = Fields.of(FIELD, sweep.raw(FIELD), KNOWN, violations);
    return new Evaluation(
        evaluation.integer("batchSize", defaults.batchSize(), 1, 65_536),
        evaluation.integer("runs", defaults.runs(), 1, 10_000),
        evaluation.choice("speed", defaults.speed(), Evaluation.SPEEDS),
        labels(evaluation));
  }

  private static Map<String, String> labels(Fields evaluation) {
    Object given = evaluation.raw(LABELS);
    if (given == null) {
      return Map.of();
    }
    if (!(given instanceof Map<?, ?> members) || members.size() > MAX_LABELS) {
      evaluation.wrong(
          LABELS, "an object of at most %d labels, name: value".formatted(MAX_LABELS), given);
      return Map.of();
    }
    Map<String, String> labels = new TreeMap<>();
    members.forEach(
        (key, value) -> {
          String name = String.valueOf(key);
          if (!SweepSpecReader.NAME.matcher(name).matches()) {
            evaluation.wrong(LABELS, "names of " + SweepSpecReader.NAME_RULE, name);
          } else if (!(value instanceof String text) || !LABEL_VALUE.matcher(text).matches()) {
            evaluation.wrong(
                LABELS + "." + name, "a text of 1 to 128 printable ASCII characters", value);
          } else {
            labels.put(name, text);
          }
        });
    return labels;
  }

  /** Labels place measurements of speed, so there must be one. */
  static void check(SweepSpec spec, List<Violation> violations) {
    boolean measures =
        !spec.evaluation().speed().equals(Evaluation.NO_SPEED)
            || !spec.targets().of(TargetKind.LATENCY).isEmpty()
            || spec.methods().stream()
                .anyMatch(method -> Methods.get(method.name()).searchUsesLatency());
    if (!spec.evaluation().labels().isEmpty() && !measures) {
      violations.add(
          new Violation(
              FIELD + "." + LABELS,
              "none where no speed is measured (evaluation.speed is none)",
              Fields.show(spec.evaluation().labels())));
    }
  }
}
