package dev.espalier.pruning.evaluation;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.engine.TensorEngine;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.vit.VitModel;
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

  private static final int WARM_UP = 5;

  /** Forward passes that a measurement of that many runs makes, warm-up included. */
  public static int forwards(int runs) {
    return 2 * 2 * (WARM_UP + runs);
  }

  /** Measures on images of {@code split}. */
  public static <E extends Exception> SpeedComparison measure(
      TensorEngine tensors,
      VitEngine engine,
      VitModel base,
      VitModel cut,
      ImageDataset dataset,
      Split split,
      int batchSize,
      int runs,
      BetweenRuns<E> between)
      throws E {
    Timings[] single = alternate(tensors, engine, base, cut, dataset, split, 1, runs, between);
    Timings[] batch =
        alternate(tensors, engine, base, cut, dataset, split, batchSize, runs, between);
    return new SpeedComparison(batchSize, WARM_UP, runs, single[0], single[1], batch[0], batch[1]);
  }

  private static <E extends Exception> Timings[] alternate(
      TensorEngine tensors,
      VitEngine engine,
      VitModel base,
      VitModel cut,
      ImageDataset dataset,
      Split split,
      int batchSize,
      int runs,
      BetweenRuns<E> between)
      throws E {
    VitModel[] models = {base, cut};
    long[][] times = new long[2][runs];
    int[] indices = IntStream.range(0, batchSize).map(i -> i % split.size()).toArray();
    try (NDManager session = tensors.newManager()) {
      NDArray images = TestImages.load(session, dataset, split, indices); // (B, C, S, S)
      for (int run = -WARM_UP; run < runs; run++) {
        for (int turn = 0; turn < 2; turn++) {
          between.check();
          // Base first, then cut first: neither always runs on the caches the other left.
          int which = (run & 1) ^ turn;
          long time = forward(engine, models[which], session, images);
          if (run >= 0) {
            times[which][run] = time;
          }
        }
      }
    }
    return new Timings[] {Timings.of(times[0]), Timings.of(times[1])};
  }

  private static long forward(VitEngine engine, VitModel model, NDManager session, NDArray images) {
    try (NDManager step = session.newSubManager()) {
      NDArray input = images.duplicate(); // results go to the manager of the input
      input.attach(step);
      long start = System.nanoTime();
      engine.logits(model, input).toFloatArray();
      return System.nanoTime() - start;
    }
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
