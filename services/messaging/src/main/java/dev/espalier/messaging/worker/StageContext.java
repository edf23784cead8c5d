package dev.espalier.messaging.worker;

import dev.espalier.schemas.artifact.v1.ArtifactRef;
import dev.espalier.schemas.stage.v1.EpochEvaluated;
import dev.espalier.schemas.stage.v1.OutsideInput;
import dev.espalier.schemas.stage.v1.StageSpec;
import java.util.Optional;

/** One attempt at a stage, as its executor sees it. Safe to use from any thread. */
public interface StageContext {

  String stageId();

  long generation();

  String team();

  String sweepId();

  String trialId();

  StageSpec spec();

  /** The file behind a stage input. */
  Optional<ArtifactRef> findInput(String role);

  /**
   * The file behind a stage input that must be there.
   *
   * @throws StageFailure (INTERNAL, MISSING_INPUT) if it is not
   */
  default ArtifactRef input(String role) throws StageFailure {
    return findInput(role).orElseThrow(() -> missing(role));
  }

  /** A registered model or dataset. */
  default Optional<OutsideInput> findOutsideInput(String role) {
    return spec().getOutsideInputsList().stream()
        .filter(input -> input.getRole().equals(role))
        .findFirst();
  }

  /**
   * A registered model or dataset that must be there.
   *
   * @throws StageFailure (INTERNAL, MISSING_INPUT) if it is not
   */
  default OutsideInput outsideInput(String role) throws StageFailure {
    return findOutsideInput(role).orElseThrow(() -> missing(role));
  }

  /** Latest accepted checkpoint of an earlier attempt, to go on from. */
  Optional<Checkpoint> checkpoint();

  /** Says that the stage makes headway; cheap enough for every step. */
  void progress(long step, long totalSteps, double imagesPerSecond);

  default void progress(long step, long totalSteps) {
    progress(step, totalSteps, 0);
  }

  void epochEvaluated(EpochEvaluated epoch);

  /** Whether the checkpoint interval has passed since the start or the last saved checkpoint. */
  boolean checkpointDue();

  /** Reports a checkpoint that is safe in the artifact store. */
  void checkpointSaved(ArtifactRef checkpoint, long step);

  /** Queues a point of a training curve; sent in batches, dropped when the broker is long away. */
  void metric(String name, long step, double value);

  boolean shouldStop();

  /** Whether a checkpoint is wanted before stopping. */
  boolean checkpointWanted();

  /** The exception to throw once stopped. */
  StageStopped stopped(long step);

  /** Throws {@link #stopped} if the stage should stop. For work that has nothing to save. */
  default void stopIfAsked() throws StageStopped {
    if (shouldStop()) {
      throw stopped(0);
    }
  }

  /** A saved position in a stage. */
  record Checkpoint(ArtifactRef artifact, long step) {}

  private StageFailure missing(String role) {
    return new StageFailure(
        dev.espalier.schemas.stage.v1.FailureCategory.FAILURE_CATEGORY_INTERNAL,
        "MISSING_INPUT",
        "stage " + stageId() + " wants an input \"" + role + "\" but was given none");
  }
}
