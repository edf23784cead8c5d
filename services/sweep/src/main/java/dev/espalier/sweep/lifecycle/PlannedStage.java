package dev.espalier.sweep.lifecycle;

import java.util.Set;

/**
 * A stage that a trial needs.
 *
 * @param inputs identities of the stages whose outputs it reads
 */
public record PlannedStage(String stageId, Set<String> inputs) {
  public PlannedStage {
    inputs = Set.copyOf(inputs);
  }
}
