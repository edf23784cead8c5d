package dev.espalier.sweep.planning;

/**
 * A stage with its identity.
 *
 * @param stageId {@link StageSpec#id()}
 */
public record PlannedStage(String stageId, StageSpec spec) {

  static PlannedStage of(StageSpec spec) {
    return new PlannedStage(spec.id(), spec);
  }
}
