package dev.espalier.evaluator.stage;

import dev.espalier.messaging.worker.StageContext;
import dev.espalier.messaging.worker.StageStopped;

/** Headway, and the place to stop: nothing is saved, as a measurement takes seconds. */
final class Steps {

  private final StageContext context;
  private final long total;
  private long done;

  Steps(StageContext context, long total) {
    this.context = context;
    this.total = total;
  }

  void done() throws StageStopped {
    context.progress(++done, total);
    context.stopIfAsked();
  }
}
