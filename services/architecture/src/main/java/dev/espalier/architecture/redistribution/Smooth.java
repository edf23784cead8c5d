package dev.espalier.architecture.redistribution;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.plan.PruningPlan;

/** To be written. */
final class Smooth implements Redistribution {

  @Override
  public String name() {
    return "smooth";
  }

  @Override
  public int version() {
    return 1;
  }

  @Override
  public String title() {
    return "smooth";
  }

  @Override
  public PruningPlan redistribute(
      PruningPlan pruned, Importance importance, TargetKind budget, int alignment) {
    throw new UnsupportedOperationException("smooth");
  }
}
