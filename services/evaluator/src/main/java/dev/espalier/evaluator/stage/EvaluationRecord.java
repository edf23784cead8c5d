package dev.espalier.evaluator.stage;

import dev.espalier.architecture.latency.LatencyConditions;
import dev.espalier.evaluator.onnx.OnnxModel;
import dev.espalier.onnx.OnnxFile;
import dev.espalier.pruning.evaluation.SpeedComparison;
import dev.espalier.pruning.evaluation.Timings;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Speed as measurements and as what the evaluation's record says of how they were taken.
 *
 * @param speeds DJL's, then ONNX Runtime's where it was measured
 */
record EvaluationRecord(List<SpeedComparison> speeds) {

  /** By name; ONNX Runtime's begin with {@code onnx_}, the base model's with {@code base_}. */
  Map<String, Double> measurements() {
    Map<String, Double> measured = new LinkedHashMap<>();
    put(measured, "", djl());
    if (hasOnnx()) {
      put(measured, "onnx_", onnx());
    }
    return measured;
  }

  private static void put(Map<String, Double> measured, String runtime, SpeedComparison speed) {
    String base = "base_" + runtime;
    measured.put(runtime + "latency_p50_ms", speed.cutBatch1().p50Ms());
    measured.put(runtime + "latency_p95_ms", speed.cutBatch1().p95Ms());
    measured.put(base + "latency_p50_ms", speed.baseBatch1().p50Ms());
    measured.put(base + "latency_p95_ms", speed.baseBatch1().p95Ms());
    measured.put(runtime + "throughput_images_per_s", speed.cutThroughput());
    measured.put(base + "throughput_images_per_s", speed.baseThroughput());
    measured.put(runtime + "speedup_batch1", speed.speedupBatch1());
    measured.put(runtime + "speedup_throughput", speed.speedupThroughput());
  }

  /** Members of the record. */
  Map<String, Object> conditions() {
    Map<String, Object> conditions = new LinkedHashMap<>();
    conditions.put("batchSize", djl().batchSize());
    conditions.put("warmUpRuns", djl().warmUpRuns());
    conditions.put("runs", djl().runs());
    conditions.put("timings", timings(djl()));
    if (hasOnnx()) {
      conditions.put(
          "onnx",
          Map.of(
              "runtime",
              OnnxModel.runtime(),
              "precision",
              "fp32",
              "operatorSet",
              OnnxFile.OPERATOR_SET,
              "timings",
              timings(onnx())));
    }
    return conditions;
  }

  /**
   * Time of the cut model as a share of the base's, taken in turns, under a table's conditions;
   * empty where nothing was measured under them.
   */
  Optional<Double> latencyKeepRatio(LatencyConditions conditions) {
    boolean onnx = conditions.runtime().equals(LatencyConditions.ONNX);
    if (onnx && !hasOnnx()) {
      return Optional.empty();
    }
    SpeedComparison speed = onnx ? onnx() : djl();
    if (conditions.batchSize() == 1) {
      return Optional.of(1 / speed.speedupBatch1());
    }
    return conditions.batchSize() == speed.batchSize()
        ? Optional.of(1 / speed.speedupThroughput())
        : Optional.empty();
  }

  private SpeedComparison djl() {
    return speeds.get(0);
  }

  private boolean hasOnnx() {
    return speeds.size() > 1;
  }

  private SpeedComparison onnx() {
    return speeds.get(1);
  }

  private static Map<String, Object> timings(SpeedComparison speed) {
    return Map.of(
        "batch1", pair(speed.baseBatch1(), speed.cutBatch1()),
        "batch", pair(speed.baseBatch(), speed.cutBatch()));
  }

  private static Map<String, Object> pair(Timings base, Timings cut) {
    return Map.of("base", one(base), "cut", one(cut));
  }

  private static Map<String, Object> one(Timings timings) {
    return Map.of("p50Ms", timings.p50Ms(), "p95Ms", timings.p95Ms());
  }
}
