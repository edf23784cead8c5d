package dev.espalier.sweep.strategy;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.sweep.spec.Grid;
import dev.espalier.sweep.spec.Strategy;
import dev.espalier.sweep.spec.SweepSpec;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * How much a search may run, and how much it will if its trials are as they come.
 *
 * @param cells at most
 * @param trials at most
 * @param expectedTrials on average; a stopping rule is not counted on
 * @param epochs of recovery at most
 * @param expectedEpochs on average
 * @param inWords how the strategy comes to these figures; empty for a grid
 */
public record SearchSize(
    int cells,
    int trials,
    double expectedTrials,
    long epochs,
    double expectedEpochs,
    String inWords) {

  public static SearchSize of(SweepSpec spec) {
    int policies = spec.methods().stream().mapToInt(m -> m.redistribution().size()).sum();
    int targets = spec.targets().size();
    int cells = Grid.cells(spec);
    int seeds = spec.seeds().size();
    int epochs = spec.recipe().epochs();
    if (spec.strategy() instanceof Strategy.Random random) {
      return whole(
          random.samples(),
          seeds,
          epochs,
          "%d of %d cells, drawn with seed %d".formatted(random.samples(), cells, random.seed()));
    }
    if (spec.strategy() instanceof Strategy.Halving halving) {
      return halving(halving, policies, targets, seeds, epochs);
    }
    if (spec.strategy() instanceof Strategy.Bisection bisection) {
      List<Double> ratios =
          Stream.of(TargetKind.values()).flatMap(kind -> spec.targets().of(kind).stream()).toList();
      int candidates =
          KeepRatios.between(ratios.get(0), ratios.get(1), bisection.tolerance()).size();
      int most = Bisection.mostSteps(candidates);
      double expected = Bisection.expectedSteps(candidates);
      int lines = policies * seeds;
      return new SearchSize(
          policies * most,
          lines * most,
          lines * expected,
          (long) lines * most * epochs,
          lines * expected * epochs,
          String.format(
              Locale.ROOT,
              "%d searches over %d keep ratios, of at most %d trials each, one after the other",
              lines,
              candidates,
              most));
    }
    return whole(cells, seeds, epochs, "");
  }

  private static SearchSize whole(int cells, int seeds, int epochs, String inWords) {
    int trials = cells * seeds;
    return new SearchSize(
        cells, trials, trials, (long) trials * epochs, (double) trials * epochs, inWords);
  }

  private static SearchSize halving(
      Strategy.Halving halving, int policies, int targets, int seeds, int epochs) {
    List<Integer> budgets =
        new AsynchronousHalving(halving.eta()).budgets(halving.minEpochs(), epochs);
    StringBuilder rungs = new StringBuilder();
    long expected = 0;
    int climbing = policies;
    int before = 0;
    for (int budget : budgets) {
      expected += (long) (budget - before) * climbing;
      rungs
          .append(rungs.length() == 0 ? "" : ", ")
          .append(climbing)
          .append(" to epoch ")
          .append(budget);
      before = budget;
      climbing = Math.max(1, climbing / halving.eta());
    }
    int trials = policies * targets * seeds;
    return new SearchSize(
        policies * targets,
        trials,
        trials,
        (long) trials * epochs,
        expected * targets * seeds,
        "of the cells of each target " + rungs + "; more may climb while others are on the way");
  }
}
