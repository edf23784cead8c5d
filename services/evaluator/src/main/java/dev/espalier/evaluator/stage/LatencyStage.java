package dev.espalier.evaluator.stage;

import dev.espalier.architecture.latency.LatencyConditions;
import dev.espalier.architecture.latency.LatencyGrid;
import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.LatencyFile;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.evaluator.onnx.OnnxModel;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageExecutor;
import dev.espalier.messaging.worker.StageFailure;
import dev.espalier.messaging.worker.StageParameters;
import dev.espalier.messaging.worker.StageResult;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.evaluation.Contender;
import dev.espalier.pruning.evaluation.DeviceName;
import dev.espalier.pruning.evaluation.DjlRuntime;
import dev.espalier.pruning.evaluation.LatencyMeasurement;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import java.util.Locale;
import java.util.Map;

/**
 * Measures the latency table of a base's shape, alone on its host. The stage's identity holds all
 * that a table depends on, and no weights: it is measured once, and every sweep over models of that
 * shape reads the same file.
 */
final class LatencyStage implements StageExecutor {

  private final StageFiles files;
  private final TensorEngine tensors;
  private final EngineSettings settings;

  LatencyStage(StageFiles files, TensorEngine tensors, EngineSettings settings) {
    this.files = files;
    this.tensors = tensors;
    this.settings = settings;
  }

  @Override
  public StageResult execute(StageContext context) throws Exception {
    StageParameters parameters = StageParameters.of(context.spec());
    Precision precision = Numbers.precision(context.spec().getNumerics());
    LatencyConditions conditions = conditions(parameters, precision);
    LatencyGrid grid = LatencyGrid.of(shape(parameters));
    int runs = parameters.integer("runs", 1, 1_000);
    Steps steps = new Steps(context, LatencyMeasurement.shapes(grid));
    LatencyTable table;
    if (conditions.runtime().equals(LatencyConditions.ONNX)) {
      table =
          new LatencyMeasurement(model -> onnx(model, tensors.threads()), conditions, runs)
              .measure(grid, steps::done);
    } else {
      try (VitEngine engine = VitEngine.fast(tensors, precision)) {
        table =
            new LatencyMeasurement(new DjlRuntime(tensors, engine), conditions, runs)
                .measure(grid, steps::done);
      }
    }
    return new StageResult(
        Map.of("latency", files.put(LatencyFile.write(table), MediaTypes.LATENCY)),
        Map.of(
            "table_base_ms",
            table.milliseconds(grid.base()),
            "table_shapes",
            (double) LatencyMeasurement.shapes(grid)));
  }

  private LatencyConditions conditions(StageParameters parameters, Precision precision)
      throws StageFailure {
    String runtime = parameters.text("runtime");
    if (!LatencyConditions.RUNTIMES.contains(runtime)) {
      throw StageParameters.bad(
          "runtime", "one of " + String.join(", ", LatencyConditions.RUNTIMES), runtime);
    }
    boolean onnx = runtime.equals(LatencyConditions.ONNX);
    if (onnx && !settings.device().equals("cpu")) {
      throw StageParameters.bad(
          "runtime", "\"djl\" on " + settings.device() + ", ONNX Runtime is for cpu", runtime);
    }
    return new LatencyConditions(
        DeviceName.of(settings.device()),
        runtime,
        onnx ? "fp32" : precision.name().toLowerCase(Locale.ROOT),
        tensors.threads(),
        parameters.integer("batchSize", 1, 1 << 16));
  }

  private static VitArchitecture shape(StageParameters parameters) throws StageFailure {
    String json = parameters.text("shape");
    try {
      return VitArchitecture.fromJson(json);
    } catch (IllegalArgumentException e) {
      throw StageParameters.bad("shape", "the JSON of a model's shape", e.getMessage());
    }
  }

  private static LatencyMeasurement.Loaded onnx(VitWeights weights, int threads) {
    OnnxModel model = new OnnxModel(weights, threads);
    return new LatencyMeasurement.Loaded() {
      @Override
      public Contender contender() {
        return model;
      }

      @Override
      public void close() {
        model.close();
      }
    };
  }
}
