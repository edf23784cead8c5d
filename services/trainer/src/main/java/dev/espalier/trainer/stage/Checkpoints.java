package dev.espalier.trainer.stage;

import dev.espalier.artifacts.store.ArtifactException;
import dev.espalier.artifacts.store.MediaTypes;
import dev.espalier.messaging.worker.StageContext;
import dev.espalier.schemas.artifact.v1.ArtifactRef;
import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Positions that one attempt saves: first the file, then the word that it is safe. The latest two
 * stay, counting the one the attempt went on from; two, because the word for the latest may not
 * have been accepted yet. A finished stage needs none.
 */
final class Checkpoints {

  private static final Logger LOG = LoggerFactory.getLogger(Checkpoints.class);
  private static final int KEPT = 2;

  private final StageContext context;
  private final StageFiles files;
  private final Deque<ArtifactRef> saved = new ArrayDeque<>();

  Checkpoints(StageContext context, StageFiles files) {
    this.context = context;
    this.files = files;
    context.checkpoint().ifPresent(checkpoint -> saved.add(checkpoint.artifact()));
  }

  void save(byte[] position, long step) {
    ArtifactRef latest = files.put(position, MediaTypes.CHECKPOINT);
    context.checkpointSaved(latest, step);
    saved.removeIf(earlier -> earlier.getSha256().equals(latest.getSha256()));
    saved.add(latest);
    forget(KEPT);
  }

  /** The stage is done. */
  void finish() {
    forget(0);
  }

  private void forget(int kept) {
    while (saved.size() > kept) {
      ArtifactRef old = saved.remove();
      try {
        files.delete(old);
      } catch (ArtifactException e) {
        LOG.warn("checkpoint {} stays behind", old.getUri(), e);
      }
    }
  }
}
