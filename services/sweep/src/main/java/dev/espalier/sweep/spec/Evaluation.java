package dev.espalier.sweep.spec;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How models are measured.
 *
 * @param batchSize images per batch of the throughput measurement
 * @param runs timed runs after warm-up, for each of base and cut model
 * @param speed of which trials speed is measured: "every-seed", "first-seed" or "none". Seeds of a
 *     cell rarely differ in speed, and a measurement has its host for itself
 * @param labels what a worker must have to measure speed, so that a sweep's latencies are of one
 *     device; every worker has the labels {@code device} and {@code host}. Empty: any worker may
 */
public record Evaluation(int batchSize, int runs, String speed, Map<String, String> labels) {

  public static final String EVERY_SEED = "every-seed";
  public static final String FIRST_SEED = "first-seed";
  public static final String NO_SPEED = "none";

  /** What {@code speed} may say. */
  public static final List<String> SPEEDS = List.of(EVERY_SEED, FIRST_SEED, NO_SPEED);

  /** What holds where a sweep says nothing. */
  public static final Evaluation DEFAULTS = new Evaluation(64, 30, EVERY_SEED, Map.of());

  private static final String LABELS = "labels";

  public Evaluation {
    labels = Collections.unmodifiableMap(new TreeMap<>(labels));
  }

  /** Whether speed is measured of a cell's trials at that place among the seeds. */
  public boolean timed(int seedIndex) {
    return speed.equals(EVERY_SEED) || speed.equals(FIRST_SEED) && seedIndex == 0;
  }

  /** The parameters of an evaluation that measures speed. */
  public Map<String, Object> measuring() {
    Map<String, Object> parameters = placement();
    parameters.put("batchSize", batchSize);
    parameters.put("runs", runs);
    return parameters;
  }

  /**
   * The parameter by which a stage that measures speed asks for a worker, and which names what it
   * measured; none where any will do, so that stages from before there was a choice keep their
   * names.
   */
  public Map<String, Object> placement() {
    return labels.isEmpty() ? new TreeMap<>() : new TreeMap<>(Map.of(LABELS, labels));
  }

  /** The tree form. */
  public Map<String, Object> toTree() {
    Map<String, Object> tree = measuring();
    if (!speed.equals(EVERY_SEED)) {
      // Left out otherwise, so that sweeps from before there was a choice keep their names.
      tree.put("speed", speed);
    }
    return tree;
  }
}
