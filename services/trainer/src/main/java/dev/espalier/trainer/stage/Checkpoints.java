package dev.espalier.trainer.stage;

import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.schemas.artifact.v1.ArtifactRef;

/** Saves positions of one attempt: first the file, then the word that it is safe. */
final class Checkpoints {

  private final StageContext context;
  private final StageFiles files;

  Checkpoints(StageContext context, StageFiles files) {
    this.context = context;
    this.files = files;
  }

  void save(byte[] position, long step) {
    ArtifactRef saved = files.put(position, MediaTypes.CHECKPOINT);
    context.checkpointSaved(saved, step);
  }
}
