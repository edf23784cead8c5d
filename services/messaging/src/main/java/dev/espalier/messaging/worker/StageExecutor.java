package dev.espalier.messaging.worker;

/** Does the work of a stage. One instance serves all slots, so it keeps no state of a stage. */
@FunctionalInterface
public interface StageExecutor {

  /**
   * Runs the stage to its end. Long work asks {@link StageContext#shouldStop()} every step or so;
   * when it says yes, the executor saves a checkpoint if {@link StageContext#checkpointWanted()},
   * and throws {@link StageContext#stopped(long)}.
   *
   * @throws StageFailure when the attempt failed for a reason with a name
   * @throws StageStopped when it stopped because it was asked to
   */
  StageResult execute(StageContext context) throws Exception;
}
