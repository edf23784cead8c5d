package dev.espalier.evaluator.stage;

import dev.espalier.architecture.latency.LatencyTable;
import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.datasets.RecentDatasets;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageExecutor;
import dev.espalier.messaging.worker.StageFailure;
import dev.espalier.messaging.worker.StageResult;
import dev.espalier.messaging.worker.StageStopped;
import dev.espalier.messaging.worker.WorkerSettings.Algorithm;
import dev.espalier.pruning.tensor.EngineSettings;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.schemas.stage.v1.FailureCategory;
import dev.espalier.schemas.stage.v1.StageKind;
import java.util.List;

/** The evaluator's work. */
public final class EvaluatorStages implements StageExecutor {

  /** Planned before ONNX Runtime was measured; what 2 measures has all of it. */
  private static final Algorithm EVALUATE_1 =
      new Algorithm(StageKind.STAGE_KIND_EVALUATE, "evaluate", 1);

  private static final Algorithm EVALUATE =
      new Algorithm(StageKind.STAGE_KIND_EVALUATE, "evaluate", 2);

  /** Planned before tables were calibrated; a calibrated one serves them, too. */
  private static final Algorithm LATENCY_TABLE_1 =
      new Algorithm(StageKind.STAGE_KIND_EVALUATE, "latency-table", 1);

  private static final Algorithm LATENCY_TABLE =
      new Algorithm(StageKind.STAGE_KIND_EVALUATE, "latency-table", LatencyTable.VERSION);

  /** Without speed: beside other work. */
  private static final Algorithm ACCURACY =
      new Algorithm(StageKind.STAGE_KIND_EVALUATE, EvaluateStage.ACCURACY, 1);

  private final EngineSettings engine;
  private final EvaluateStage evaluate;
  private final LatencyStage latency;

  public EvaluatorStages(ArtifactStore store, RecentDatasets datasets, EngineSettings engine) {
    this.engine = engine;
    StageFiles files = new StageFiles(store, datasets);
    this.evaluate = new EvaluateStage(files, TensorEngine.start(engine), engine);
    this.latency = new LatencyStage(files, TensorEngine.start(engine), engine);
  }

  /** What an evaluator announces. */
  public static List<Algorithm> algorithms() {
    return List.of(EVALUATE_1, EVALUATE, ACCURACY, LATENCY_TABLE_1, LATENCY_TABLE);
  }

  @Override
  public StageResult execute(StageContext context) throws Exception {
    if (context.spec().getKind() != StageKind.STAGE_KIND_EVALUATE) {
      throw new StageFailure(
          FailureCategory.FAILURE_CATEGORY_INTERNAL,
          "UNKNOWN_STAGE",
          "an evaluator runs evaluate but was given " + context.spec().getKind());
    }
    try {
      int threads = Numbers.threads(context.spec().getNumerics());
      TensorEngine.start(new EngineSettings(engine.device(), threads, engine.cacheDirectory()));
      boolean table = context.spec().getAlgorithm().equals(LATENCY_TABLE.name());
      return table ? latency.execute(context) : evaluate.execute(context);
    } catch (StageStopped stopped) {
      throw stopped;
    } catch (Exception | OutOfMemoryError thrown) {
      StageFailure named = Failures.name(thrown).orElse(null);
      if (named != null) {
        throw named;
      }
      throw thrown;
    }
  }
}
