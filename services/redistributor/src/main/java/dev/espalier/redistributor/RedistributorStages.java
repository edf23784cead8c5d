package dev.espalier.redistributor;

import dev.espalier.artifacts.store.ArtifactStore;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageExecutor;
import dev.espalier.messaging.worker.StageResult;
import dev.espalier.messaging.worker.WorkerSettings.Algorithm;
import java.util.List;

final class RedistributorStages implements StageExecutor {

  RedistributorStages(ArtifactStore store) {}

  static List<Algorithm> algorithms() {
    return List.of();
  }

  @Override
  public StageResult execute(StageContext context) {
    throw new UnsupportedOperationException();
  }
}
