package dev.espalier.pruning.evaluation;

import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Forward times of a base model and its cut one, taken in turns in one session after warm-up, so
 * that what else the machine does falls on both. A run lasts from images on the device to class
 * scores on the host.
 *
 * @param batchSize images of a throughput run
 * @param warmUpRuns untimed runs of each model at each batch size
 * @param runs timed runs of each model at each batch size
 */
public record SpeedComparison(
    int batchSize,
    int warmUpRuns,
    int runs,
    Timings baseBatch1,
    Timings cutBatch1,
    Timings baseBatch,
    Timings cutBatch) {

  /** Asked between runs; throws to give up. */
  @FunctionalInterface
  public interface BetweenRuns<E extends Exception> {
    void check() throws E;
  }

  /** Both models in one runtime. */
  public record Pair(Contender base, Contender cut) {}

  private static final int WARM_UP = 5;

  /** Forward passes that a measurement of that many runs makes, warm-up included. */
  public static int forwards(int pairs, int runs) {
    return 2 * 2 * pairs * (WARM_UP + runs);
  }

  /**
   * Measures on images of {@code split}. The pairs take turns too, so that runtimes can be
   * compared.
   *
   * @return one comparison for each pair
   */
  public static <E extends Exception> List<SpeedComparison> measure(
      List<Pair> pairs,
      ImageDataset dataset,
      Split split,
      int batchSize,
      int runs,
      BetweenRuns<E> between)
      throws E {
    List<Contender> contenders = new ArrayList<>();
    pairs.forEach(pair -> contenders.addAll(List.of(pair.base(), pair.cut())));
    List<Timings> single = alternate(contenders, dataset, split, 1, runs, between);
    List<Timings> batch = alternate(contenders, dataset, split, batchSize, runs, between);
    List<SpeedComparison> comparisons = new ArrayList<>();
    for (int i = 0; i < contenders.size(); i += 2) {
      comparisons.add(
          new SpeedComparison(
              batchSize,
              WARM_UP,
              runs,
              single.get(i),
              single.get(i + 1),
              batch.get(i),
              batch.get(i + 1)));
    }
    return comparisons;
  }

  private static <E extends Exception> List<Timings> alternate(
      List<Contender> contenders,
      ImageDataset dataset,
      Split split,
      int batchSize,
      int runs,
      BetweenRuns<E> between)
      throws E {
    int[] indices = IntStream.range(0, batchSize).map(i -> i % split.size()).toArray();
    float[] pixels = dataset.batch(split, indices); // (B, C, S, S)
    List<Contender.Pass> passes = new ArrayList<>();
    long[][] times = new long[contenders.size()][runs];
    try {
      for (Contender contender : contenders) {
        passes.add(contender.open(pixels, batchSize, dataset.channels(), dataset.imageSize()));
      }
      for (int run = 0; run < WARM_UP + runs; run++) {
        for (int turn = 0; turn < passes.size(); turn++) {
          between.check();
          // Another one begins each run: none always runs on the caches that the same other left.
          int which = (run + turn) % passes.size();
          long time = passes.get(which).nanoseconds();
          if (run >= WARM_UP) {
            times[which][run - WARM_UP] = time;
          }
        }
      }
    } finally {
      passes.forEach(Contender.Pass::close);
    }
    return List.of(times).stream().map(Timings::of).toList();
  }

  /** Images in a second, from the median run. */
  public double baseThroughput() {
    return batchSize * 1000 / baseBatch.p50Ms();
  }

  /** Images in a second, from the median run. */
  public double cutThroughput() {
    return batchSize * 1000 / cutBatch.p50Ms();
  }

  /** How many times faster one image is through the cut model. */
  public double speedupBatch1() {
    return baseBatch1.p50Ms() / cutBatch1.p50Ms();
  }

  /** How many times more images a second the cut model takes. */
  public double speedupThroughput() {
    return baseBatch.p50Ms() / cutBatch.p50Ms();
  }
}
