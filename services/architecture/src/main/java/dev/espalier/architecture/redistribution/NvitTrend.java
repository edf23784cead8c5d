package dev.espalier.architecture.redistribution;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.plan.PruningPlan;

/** To be written. */
final class NvitTrend implements Redistribution {

  @Override
  public String name() {
    return "nvit-trend";
  }

  @Override
  public int version() {
    return 1;
  }

  @Override
  public String title() {
    return "nvit-trend";
  }

  @Override
  public PruningPlan redistribute(
      PruningPlan pruned, Importance importance, TargetKind budget, int alignment) {
    throw new UnsupportedOperationException("nvit-trend");
  }
}
