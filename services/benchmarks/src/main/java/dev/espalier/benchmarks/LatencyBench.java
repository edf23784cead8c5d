package dev.espalier.benchmarks;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.latency.LatencyConditions;
import dev.espalier.architecture.latency.LatencyGrid;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.LatencyFile;
import dev.espalier.pruning.PruningMethods;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.evaluation.Contender;
import dev.espalier.pruning.evaluation.DeviceName;
import dev.espalier.pruning.evaluation.DjlContender;
import dev.espalier.pruning.evaluation.DjlRuntime;
import dev.espalier.pruning.evaluation.LatencyMeasurement;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Whether latency targets hold: measures a table, cuts to shares of the base's time by the
 * magnitude control, and times each plan, and the next larger one, in turns with the base.
 */
public final class LatencyBench {

  private LatencyBench() {}

  /**
   * {@code --dim 96 --depth 6 --heads 4 --batch 1 --threads 1 --runs 60 --image 28 --patch 4
   * --table-runs 7 --table FILE}; a table that the file holds is read, otherwise it is measured and
   * written there.
   */
  public static void main(String[] words) {
    Arguments given = Arguments.of(words);
    int dim = given.integer("dim", 96);
    int depth = given.integer("depth", 6);
    int heads = given.integer("heads", 4);
    int batch = given.integer("batch", 1);
    int threads = given.integer("threads", 1);
    int runs = given.integer("runs", 60);
    int tableRuns = given.integer("table-runs", 7);
    int image = given.integer("image", 28);
    int patch = given.integer("patch", 4);
    String file = given.text("table", "");
    given.refuseRest();
    VitArchitecture vit = VitArchitecture.uniform(image, patch, 1, 10, dim, depth, heads, 4 * dim);
    VitWeights base = VitInitializer.weights(vit, 1);
    TensorEngine tensors = TensorEngine.start(EngineSettings.cpu(threads));
    try (VitEngine engine = VitEngine.fast(tensors, Precision.FP32)) {
      LatencyConditions conditions =
          new LatencyConditions(DeviceName.of("cpu"), "djl", "fp32", threads, batch);
      LatencyTable table =
          table(
              file.isEmpty() ? Optional.empty() : Optional.of(Path.of(file)),
              new LatencyMeasurement(new DjlRuntime(tensors, engine), conditions, tableRuns),
              conditions,
              LatencyGrid.of(vit));
      print(
          "%s, d %d x %d, batch %d: base %.3f ms",
          conditions.device(), dim, depth, batch, table.milliseconds(vit));
      Importance importance = importance(base);
      for (double target : new double[] {0.8, 0.65, 0.5, 0.4}) {
        PruningPlan plan;
        try {
          plan = plan(importance, table, target);
        } catch (IllegalArgumentException e) {
          print("target %.2f: %s", target, e.getMessage());
          continue;
        }
        PruningPlan next = plan;
        for (double more = target; next.equals(plan) && more < 1; more += 0.005) {
          next = plan(importance, table, Math.min(1, more));
        }
        double[] measured = ratios(tensors, engine, base, plan, next, batch, runs);
        print(
            "target %.2f: predicted %.3f, measured %.3f (%.3f of the target);"
                + " next larger: predicted %.3f, measured %.3f",
            target,
            table.keepRatio(plan.cutArchitecture(), vit),
            measured[0],
            measured[0] / target,
            table.keepRatio(next.cutArchitecture(), vit),
            measured[1]);
      }
    }
  }

  private static LatencyTable table(
      Optional<Path> file,
      LatencyMeasurement measurement,
      LatencyConditions conditions,
      LatencyGrid grid) {
    try {
      if (file.isPresent() && Files.exists(file.get())) {
        LatencyTable table = LatencyFile.read(Files.readAllBytes(file.get()));
        if (!table.conditions().equals(conditions) || !table.base().equals(grid.base())) {
          throw new IllegalArgumentException(
              "--table must hold %s but is of %s".formatted(conditions, table.conditions()));
        }
        return table;
      }
      int shapes = LatencyMeasurement.shapes(grid);
      LatencyTable table = measurement.measure(grid, new Progress(shapes)::shape);
      if (file.isPresent()) {
        Files.write(file.get(), LatencyFile.write(table));
      }
      return table;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Says after how long a shape's turn comes, so that a slow table is seen to move. */
  private static final class Progress {
    private final int shapes;
    private final long started = System.nanoTime();
    private int begun;

    Progress(int shapes) {
      this.shapes = shapes;
    }

    void shape() {
      if (begun++ % 16 == 0) {
        print("  %.1f s: shape %d of %d", (System.nanoTime() - started) / 1e9, begun, shapes);
      }
    }
  }

  private static Importance importance(VitWeights base) {
    PruningMethod magnitude = PruningMethods.get("magnitude");
    try (Search search =
        magnitude.search(SearchRequest.of(base, magnitude.descriptor().defaults(), 1))) {
      while (!search.finished()) {
        search.step();
      }
      return search.result().importance();
    }
  }

  private static PruningPlan plan(Importance importance, LatencyTable table, double keepRatio) {
    return PruningMethods.get("magnitude")
        .plan(
            new PlanRequest(
                table.base(),
                importance,
                Optional.empty(),
                TargetKind.LATENCY,
                keepRatio,
                Map.of("alignment", 8L),
                Optional.of(table)));
  }

  /** Median over rounds of each plan's time as a share of the base's in the same round. */
  private static double[] ratios(
      TensorEngine tensors,
      VitEngine engine,
      VitWeights base,
      PruningPlan plan,
      PruningPlan next,
      int batch,
      int runs) {
    VitArchitecture vit = base.architecture();
    float[] pixels = new float[batch * vit.channels() * vit.imageSize() * vit.imageSize()];
    try (VitModel whole = VitModel.frozen(tensors, base);
        VitModel cut = VitModel.frozen(tensors, Cut.apply(base, plan));
        VitModel larger = VitModel.frozen(tensors, Cut.apply(base, next))) {
      Contender.Pass[] passes = new Contender.Pass[3];
      VitModel[] models = {whole, cut, larger};
      for (int i = 0; i < 3; i++) {
        passes[i] =
            new DjlContender(tensors, engine, models[i])
                .open(pixels, batch, vit.channels(), vit.imageSize());
      }
      double[][] ratios = new double[2][runs];
      for (int run = -5; run < runs; run++) {
        double[] ms = new double[3];
        for (int turn = 0; turn < 3; turn++) {
          int which = Math.floorMod(run + turn, 3);
          ms[which] = passes[which].nanoseconds() / 1e6;
        }
        if (run >= 0) {
          ratios[0][run] = ms[1] / ms[0];
          ratios[1][run] = ms[2] / ms[0];
        }
      }
      Arrays.stream(passes).forEach(Contender.Pass::close);
      return Arrays.stream(ratios).mapToDouble(LatencyBench::median).toArray();
    }
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private static void print(String format, Object... values) {
    System.out.println(String.format(Locale.ROOT, format, values));
  }
}
