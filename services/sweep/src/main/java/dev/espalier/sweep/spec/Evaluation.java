package dev.espalier.sweep.spec;

import java.util.Map;
import java.util.TreeMap;

/**
 * How models are measured.
 *
 * @param batchSize images per batch of the throughput measurement
 * @param runs timed runs after warm-up, for each of base and cut model
 */
public record Evaluation(int batchSize, int runs) {

  /** What holds where a sweep says nothing. */
  public static final Evaluation DEFAULTS = new Evaluation(64, 30);

  /** The tree form, by the names of the fields. */
  public Map<String, Object> toTree() {
    Map<String, Object> tree = new TreeMap<>();
    tree.put("batchSize", batchSize);
    tree.put("runs", runs);
    return tree;
  }
}
