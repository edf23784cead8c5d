package dev.espalier.pruning.nvit;

import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.method.LiveUnits;
import dev.espalier.pruning.method.Pool;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Scores over batches: the mean over an interval, then a running average over intervals. Kept as
 * floats, so that a checkpoint loses nothing.
 *
 * <p>The average starts at 0 and is divided by {@code 1 - momentum^intervals}; the authors do not
 * divide, which after their reset makes scores ten times too small ({@code methods/nvit.md} §2).
 */
final class RunningScores {

  private final float momentum;
  private final boolean biasCorrected;
  private final Map<Pool, float[]> sums = new LinkedHashMap<>();
  private final Map<Pool, float[]> averages = new LinkedHashMap<>();
  private final Map<Pool, float[]> latest = new LinkedHashMap<>();
  private int batches;
  private int intervals;

  RunningScores(LiveUnits units, double momentum, boolean biasCorrected) {
    this.momentum = (float) momentum;
    this.biasCorrected = biasCorrected;
    for (Pool pool : units.pools()) {
      int width = pool.width(units.base());
      sums.put(pool, new float[width]);
      averages.put(pool, new float[width]);
      latest.put(pool, new float[width]);
    }
  }

  /** Takes the scores of one batch. */
  void add(Map<Pool, float[]> scores) {
    sums.forEach(
        (pool, sum) -> {
          float[] batch = scores.get(pool);
          for (int i = 0; i < sum.length; i++) {
            sum[i] += batch[i];
          }
        });
    batches++;
  }

  /** Batches since the last interval ended. */
  int batches() {
    return batches;
  }

  /** Ends an interval: its mean enters the average. Units that are out keep their last score. */
  void endInterval(LiveUnits units) {
    intervals++;
    double correction = biasCorrected ? 1 - Math.pow(momentum, intervals) : 1;
    for (Pool pool : sums.keySet()) {
      float[] sum = sums.get(pool);
      float[] average = averages.get(pool);
      float[] last = latest.get(pool);
      for (int i = 0; i < sum.length; i++) {
        average[i] = momentum * average[i] + (1 - momentum) * (sum[i] / batches);
        if (units.isLive(pool, i)) {
          last[i] = (float) (average[i] / correction);
        }
      }
      Arrays.fill(sum, 0);
    }
    batches = 0;
  }

  /** Forgets the average; what was last known of each unit stays. */
  void reset() {
    averages.values().forEach(average -> Arrays.fill(average, 0));
    intervals = 0;
  }

  /** The average as of the end of the last interval, for units that lived then. */
  float[] latest(Pool pool) {
    return latest.get(pool);
  }

  void save(Map<String, Tensor> state) {
    state.put("scores", vector(batches, intervals));
    sums.forEach((pool, values) -> state.put(pool + ".sum", vector(values)));
    averages.forEach((pool, values) -> state.put(pool + ".average", vector(values)));
    latest.forEach((pool, values) -> state.put(pool + ".latest", vector(values)));
  }

  void restore(Map<String, Tensor> state) {
    float[] counts = values(state, "scores", 2);
    batches = (int) counts[0];
    intervals = (int) counts[1];
    sums.forEach((pool, values) -> copy(state, pool + ".sum", values));
    averages.forEach((pool, values) -> copy(state, pool + ".average", values));
    latest.forEach((pool, values) -> copy(state, pool + ".latest", values));
  }

  static Tensor vector(float... values) {
    return new Tensor(new int[] {values.length}, values.clone());
  }

  static float[] values(Map<String, Tensor> state, String name, int length) {
    Tensor tensor = state.get(name);
    if (tensor == null || tensor.values().length != length) {
      throw new IllegalArgumentException(
          "expected %d numbers under %s in an NViT trajectory but found %s"
              .formatted(length, name, tensor));
    }
    return tensor.values();
  }

  private static void copy(Map<String, Tensor> state, String name, float[] values) {
    System.arraycopy(values(state, name, values.length), 0, values, 0, values.length);
  }
}
