package dev.espalier.sweep.spec;

import dev.espalier.architecture.method.Methods;
import java.util.List;

/** How many cells a sweep's methods and targets make together. */
public final class Grid {

  private Grid() {}

  /**
   * Cells of the whole grid: one for each redistribution and target of a method that cuts, one in
   * all of a method that does not, as its only keep ratio is 1.
   */
  public static int cells(SweepSpec spec) {
    return spec.methods().stream().mapToInt(method -> cells(method, spec.targets().size())).sum();
  }

  private static int cells(MethodChoice method, int targets) {
    return cuts(method) ? method.redistribution().size() * targets : 1;
  }

  /** The methods that cut nothing, which no target tells apart. */
  static List<MethodChoice> uncut(SweepSpec spec) {
    return spec.methods().stream().filter(method -> !cuts(method)).toList();
  }

  private static boolean cuts(MethodChoice method) {
    return Methods.get(method.name()).cuts();
  }
}
