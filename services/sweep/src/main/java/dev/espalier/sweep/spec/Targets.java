package dev.espalier.sweep.spec;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.latency.LatencyConditions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Keep ratios, each in (0, 1].
 *
 * @param macs shares of the base's multiply-accumulates
 * @param params shares of the base's parameters
 * @param latency shares of the base's forward time, as a measured table predicts it
 * @param latencyBatchSize images of the forward pass that is meant
 * @param latencyRuntime "djl" or "onnx": where it runs
 */
public record Targets(
    List<Double> macs,
    List<Double> params,
    List<Double> latency,
    int latencyBatchSize,
    String latencyRuntime) {

  /** One image. */
  public static final int DEFAULT_BATCH_SIZE = 1;

  /** Our own engine. */
  public static final String DEFAULT_RUNTIME = LatencyConditions.DJL;

  public Targets {
    macs = List.copyOf(macs);
    params = List.copyOf(params);
    latency = List.copyOf(latency);
  }

  /** Keep ratios of one kind. */
  public List<Double> of(TargetKind kind) {
    return switch (kind) {
      case MACS -> macs;
      case PARAMS -> params;
      case LATENCY -> latency;
    };
  }

  /** Keep ratios of all kinds. */
  public int size() {
    return macs.size() + params.size() + latency.size();
  }

  /** The tree form, by the names of the fields. */
  Map<String, Object> toTree() {
    Map<String, Object> tree = new TreeMap<>();
    tree.put("macs", macs);
    tree.put("params", params);
    boolean plain =
        latency.isEmpty()
            && latencyBatchSize == DEFAULT_BATCH_SIZE
            && latencyRuntime.equals(DEFAULT_RUNTIME);
    if (!plain) { // Left out otherwise, so that sweeps from before keep their names.
      tree.put("latency", latency);
      tree.put("latencyBatchSize", latencyBatchSize);
      tree.put("latencyRuntime", latencyRuntime);
    }
    return tree;
  }
}
