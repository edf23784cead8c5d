package dev.espalier.architecture.redistribution;

import dev.espalier.architecture.cost.Budget;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.plan.PruningPlan;

/**
 * A rule that moves a pruned plan's widths between blocks at an equal budget. It is a step of its
 * own, usable after any width method.
 */
public interface Redistribution {

  /** Name in specs and stages, for instance "smooth". */
  String name();

  /** Raised whenever results change. */
  int version();

  /** One line for people. */
  String title();

  /**
   * Gives the plan other widths and the same cost.
   *
   * <p>The embedding stays; in each block the most important kept units stay first, units beyond
   * them come from the base by importance, and no width exceeds the base's. All heads of a block
   * keep the same channels. The result's cost is within {@code max(1 %, half of the smallest step)}
   * of the plan's. Deterministic; equal scores go to the lower index.
   *
   * @param pruned what the method decided
   * @param importance scores of the base's units
   * @param budget what must stay equal
   * @param alignment widths of heads' channels and MLPs become multiples of it, or the base's width
   * @throws IllegalArgumentException when the scores do not fit the base
   */
  PruningPlan redistribute(PruningPlan pruned, Importance importance, Budget budget, int alignment);

  /** The same where what must stay equal follows from shapes alone. */
  default PruningPlan redistribute(
      PruningPlan pruned, Importance importance, TargetKind budget, int alignment) {
    return redistribute(pruned, importance, Budget.of(budget), alignment);
  }
}
