package dev.espalier.trainer.stage;

import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
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
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The trainer's work: search, prune, finetune. */
public final class TrainerStages implements StageExecutor {

  private static final Algorithm FINETUNE =
      new Algorithm(StageKind.STAGE_KIND_FINETUNE, "finetune", 1);

  private final EngineSettings engine;
  private final Map<StageKind, StageExecutor> executors = new EnumMap<>(StageKind.class);

  public TrainerStages(ArtifactStore store, RecentDatasets datasets, EngineSettings engine) {
    this.engine = engine;
    TensorEngine tensors = TensorEngine.start(engine);
    StageFiles files = new StageFiles(store, datasets);
    executors.put(StageKind.STAGE_KIND_SEARCH, new SearchStage(files, tensors));
    executors.put(StageKind.STAGE_KIND_PRUNE, new PruneStage(files));
    executors.put(StageKind.STAGE_KIND_FINETUNE, new FinetuneStage(files, tensors));
  }

  /** What a trainer announces: every method's search and cut, and the recovery. */
  public static List<Algorithm> algorithms() {
    List<Algorithm> algorithms = new ArrayList<>();
    for (MethodDescriptor method : Methods.ALL) {
      for (StageKind kind : List.of(StageKind.STAGE_KIND_SEARCH, StageKind.STAGE_KIND_PRUNE)) {
        algorithms.add(new Algorithm(kind, method.name(), method.version()));
      }
    }
    algorithms.add(FINETUNE);
    return algorithms;
  }

  @Override
  public StageResult execute(StageContext context) throws Exception {
    StageExecutor executor = executors.get(context.spec().getKind());
    if (executor == null) {
      throw new StageFailure(
          FailureCategory.FAILURE_CATEGORY_INTERNAL,
          "UNKNOWN_STAGE",
          "a trainer runs search, prune and finetune but was given " + context.spec().getKind());
    }
    try {
      int threads = Numbers.threads(context.spec().getNumerics());
      TensorEngine.start(new EngineSettings(engine.device(), threads, engine.cacheDirectory()));
      return executor.execute(context);
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
