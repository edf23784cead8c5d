package dev.espalier.sweep.planning;

import dev.espalier.sweep.spec.SweepSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A spec unfolded: every trial with its stages, where equal stages are one.
 *
 * @param sweepId 16 hex digits
 * @param spec that was planned
 * @param run number of the run
 * @param inputs what its names stood for
 * @param cells in the order method, redistribution, target
 * @param trials in the order of cells, then seeds
 */
public record SweepPlan(
    String sweepId,
    SweepSpec spec,
    int run,
    ResolvedInputs inputs,
    List<Cell> cells,
    List<Trial> trials) {

  public SweepPlan {
    cells = List.copyOf(cells);
    trials = List.copyOf(trials);
  }

  /** Every stage once, inputs before their readers. */
  public List<PlannedStage> distinctStages() {
    Map<String, PlannedStage> stages = new LinkedHashMap<>();
    for (Trial trial : trials) {
      for (PlannedStage stage : trial.stages()) {
        stages.putIfAbsent(stage.stageId(), stage);
      }
    }
    return List.copyOf(stages.values());
  }
}
