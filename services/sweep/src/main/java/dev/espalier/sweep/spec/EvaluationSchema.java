package dev.espalier.sweep.spec;

import java.util.LinkedHashMap;
import java.util.Map;

/** The part of {@link SweepJsonSchema} about how models are measured, and where. */
final class EvaluationSchema {

  private EvaluationSchema() {}

  static Map<String, Object> evaluation() {
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put(
        "batchSize",
        SweepJsonSchema.withDefault(
            SweepJsonSchema.integer("Images per batch of the throughput measurement.", 1, 65_536),
            Evaluation.DEFAULTS.batchSize()));
    properties.put(
        "runs",
        SweepJsonSchema.withDefault(
            SweepJsonSchema.integer(
                "Timed runs after warm-up, for each of base and cut model.", 1, 10_000),
            Evaluation.DEFAULTS.runs()));
    properties.put(
        "speed",
        SweepJsonSchema.withDefault(
            SweepJsonSchema.choice(
                "Of which trials speed is measured; a measurement has its host for itself.",
                Evaluation.SPEEDS),
            Evaluation.DEFAULTS.speed()));
    properties.put("labels", labels());
    Map<String, Object> evaluation = SweepJsonSchema.object(properties);
    evaluation.put("description", "How models are measured.");
    return evaluation;
  }

  private static Map<String, Object> labels() {
    Map<String, Object> value = new LinkedHashMap<>();
    value.put("type", "string");
    value.put("pattern", "^" + EvaluationReading.LABEL_VALUE.pattern() + "$");
    Map<String, Object> labels =
        SweepJsonSchema.described(
            "What a worker must have to measure speed; each has device and host. Default: any may.");
    labels.put("type", "object");
    labels.put("propertyNames", Map.of("pattern", "^" + SweepSpecReader.NAME.pattern() + "$"));
    labels.put("additionalProperties", value);
    labels.put("maxProperties", EvaluationReading.MAX_LABELS);
    return labels;
  }
}
