package dev.espalier.pruning.evaluation;

import dev.espalier.architecture.latency.LatencyConditions;
import dev.espalier.architecture.latency.LatencyGrid;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.vit.VitInitializer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Times the shapes of a latency table. A few shapes at a time run in turns with the base, and each
 * one's time is a ratio to the base's in the same round: what else the machine does, and how warm
 * it is, meets both. Weights and images are random, as no time depends on them.
 */
public final class LatencyMeasurement {

  private static final int TOGETHER = 4;
  private static final int WARM_UP = 2;
  private static final int WHOLE_RUNS = 4;
  private static final long SEED = 1;

  /** Puts models into the runtime that is measured. */
  @FunctionalInterface
  public interface Runtime {

    /** A model ready to run; closing it gives everything back. */
    Loaded load(VitWeights model);
  }

  /** A model in a runtime. */
  public interface Loaded extends AutoCloseable {

    Contender contender();

    @Override
    void close();
  }

  private final Runtime runtime;
  private final LatencyConditions conditions;
  private final int runs;

  /**
   * A measurement to be made.
   *
   * @param runs timed runs of each shape after warm-up
   */
  public LatencyMeasurement(Runtime runtime, LatencyConditions conditions, int runs) {
    this.runtime = runtime;
    this.conditions = conditions;
    this.runs = runs;
  }

  /** Shapes that are timed for a grid. */
  public static int shapes(LatencyGrid grid) {
    return grid.attentionShapes().size() + grid.mlpShapes().size() + grid.wholeShapes().size();
  }

  /**
   * Measures a whole table.
   *
   * @param between called before each shape; throws to give up
   */
  public <E extends Exception> LatencyTable measure(
      LatencyGrid grid, SpeedComparison.BetweenRuns<E> between) throws E {
    List<VitArchitecture> shapes = new ArrayList<>(grid.attentionShapes());
    int attention = shapes.size();
    shapes.addAll(grid.mlpShapes());
    List<Double> baseMs = new ArrayList<>();
    try (Loaded base = load(grid.base())) {
      double[] parts = ratios(base, shapes, runs, baseMs, between);
      // Few, but all else is scaled by them.
      double[] whole = ratios(base, grid.wholeShapes(), WHOLE_RUNS * runs, baseMs, between);
      double unit = median(baseMs.stream().mapToDouble(Double::doubleValue).toArray());
      double[] times = Arrays.stream(parts).map(ratio -> ratio * unit).toArray();
      return LatencyTable.of(
              conditions,
              grid,
              Arrays.copyOfRange(times, 0, attention),
              Arrays.copyOfRange(times, attention, times.length))
          .calibrated(Arrays.stream(whole).map(ratio -> ratio * unit).toArray());
    }
  }

  /** Each shape's time as a share of the base's in the same round, median over rounds. */
  private <E extends Exception> double[] ratios(
      Loaded base,
      List<VitArchitecture> shapes,
      int runs,
      List<Double> baseMs,
      SpeedComparison.BetweenRuns<E> between)
      throws E {
    double[] ratios = new double[shapes.size()];
    for (int from = 0; from < shapes.size(); from += TOGETHER) {
      List<VitArchitecture> group = shapes.subList(from, Math.min(from + TOGETHER, shapes.size()));
      for (int i = 0; i < group.size(); i++) {
        between.check();
      }
      double[][] ms = rounds(base, group, runs);
      for (int i = 0; i < group.size(); i++) {
        double[] own = new double[runs];
        for (int run = 0; run < runs; run++) {
          own[run] = ms[i + 1][run] / ms[0][run];
        }
        ratios[from + i] = median(own);
      }
      Arrays.stream(ms[0]).forEach(baseMs::add);
    }
    return ratios;
  }

  private Loaded load(VitArchitecture shape) {
    return runtime.load(VitInitializer.weights(shape, SEED));
  }

  /** Milliseconds of the base, first, and of each shape, by run. */
  private double[][] rounds(Loaded base, List<VitArchitecture> group, int runs) {
    VitArchitecture shape = group.get(0);
    float[] pixels = pixels(shape);
    List<Loaded> loaded = new ArrayList<>();
    List<Contender.Pass> passes = new ArrayList<>();
    double[][] ms = new double[group.size() + 1][runs];
    try {
      passes.add(open(base, pixels, shape));
      for (VitArchitecture one : group) {
        loaded.add(load(one));
        passes.add(open(loaded.get(loaded.size() - 1), pixels, shape));
      }
      for (int run = 0; run < WARM_UP + runs; run++) {
        for (int turn = 0; turn < passes.size(); turn++) {
          int which = (run + turn) % passes.size();
          long time = passes.get(which).nanoseconds();
          if (run >= WARM_UP) {
            ms[which][run - WARM_UP] = Math.max(1, time) / 1e6;
          }
        }
      }
      return ms;
    } finally {
      passes.forEach(Contender.Pass::close);
      loaded.forEach(Loaded::close);
    }
  }

  private Contender.Pass open(Loaded loaded, float[] pixels, VitArchitecture shape) {
    return loaded
        .contender()
        .open(pixels, conditions.batchSize(), shape.channels(), shape.imageSize());
  }

  private float[] pixels(VitArchitecture shape) {
    int side = shape.imageSize();
    float[] pixels = new float[conditions.batchSize() * shape.channels() * side * side];
    SplittableRandom random = new SplittableRandom(SEED);
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (float) random.nextDouble(-1, 1);
    }
    return pixels;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
