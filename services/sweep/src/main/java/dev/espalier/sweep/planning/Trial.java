package dev.espalier.sweep.planning;

import java.util.List;

/**
 * A cell with one seed and every stage it walks.
 *
 * @param trialId {@code <sweepId>-<cellId>-s<seed>}
 * @param cellId {@link Cell#id()}
 * @param seed of this repeat
 * @param stages in the order of the walk; inputs come before their readers
 */
public record Trial(
    String trialId, String cellId, Cell cell, long seed, List<PlannedStage> stages) {

  public Trial {
    stages = List.copyOf(stages);
  }
}
