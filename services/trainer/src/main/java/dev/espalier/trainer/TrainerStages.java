package dev.espalier.trainer;

import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageExecutor;
import dev.espalier.messaging.worker.StageResult;
import dev.espalier.messaging.worker.WorkerSettings.Algorithm;
import dev.espalier.pruning.engine.TensorEngine;
import java.util.List;

final class TrainerStages implements StageExecutor {

  TrainerStages(ArtifactStore store, TensorEngine engine) {}

  static List<Algorithm> algorithms() {
    return List.of();
  }

  @Override
  public StageResult execute(StageContext context) {
    throw new UnsupportedOperationException();
  }
}
