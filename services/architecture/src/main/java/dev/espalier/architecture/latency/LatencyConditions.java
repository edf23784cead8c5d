package dev.espalier.architecture.latency;

import dev.espalier.architecture.json.JsonObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a latency was measured under; another condition, another latency.
 *
 * @param device model of the processor or accelerator
 * @param runtime {@link #DJL} or {@link #ONNX}
 * @param precision "fp32" or "bf16"
 * @param threads of one operation
 * @param batchSize images of one forward pass
 */
public record LatencyConditions(
    String device, String runtime, String precision, int threads, int batchSize) {

  /** Our own engine. */
  public static final String DJL = "djl";

  /** ONNX Runtime on the processor. */
  public static final String ONNX = "onnx";

  /** The runtimes that may be asked for. */
  public static final List<String> RUNTIMES = List.of(DJL, ONNX);

  public LatencyConditions {
    if (!RUNTIMES.contains(runtime)) {
      throw new IllegalArgumentException(
          "runtime must be one of %s but is %s".formatted(String.join(", ", RUNTIMES), runtime));
    }
    if (batchSize < 1) {
      throw new IllegalArgumentException("batchSize must be at least 1 but is " + batchSize);
    }
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1 but is " + threads);
    }
  }

  Map<String, Object> toTree() {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("device", device);
    tree.put("runtime", runtime);
    tree.put("precision", precision);
    tree.put("threads", threads);
    tree.put("batchSize", batchSize);
    return tree;
  }

  static LatencyConditions fromTree(JsonObject tree) {
    return new LatencyConditions(
        tree.text("device"),
        tree.text("runtime"),
        tree.text("precision"),
        tree.count("threads"),
        tree.count("batchSize"));
  }
}
