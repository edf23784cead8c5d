package dev.espalier.sweep.strategy;

import dev.espalier.architecture.json.Json;
import dev.espalier.sweep.spec.Recipe;
import dev.espalier.sweep.spec.StoppingRule;
import dev.espalier.sweep.spec.Strategy;
import dev.espalier.sweep.spec.StrategyReading;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What an accepted sweep says about its search.
 *
 * @param epochs of the recipe
 * @param seeds repeats of each cell
 * @param ratios keep ratios of the targets, in the order macs, params, latency
 */
public record SearchRules(
    Strategy strategy, StoppingRule stop, int epochs, int seeds, List<Double> ratios) {

  public SearchRules {
    ratios = List.copyOf(ratios);
  }

  /**
   * Reads the canonical text of a sweep.
   *
   * @throws IllegalStateException for a strategy that this version does not know
   */
  public static SearchRules of(String canonicalSpecJson) {
    Map<?, ?> spec = (Map<?, ?>) Json.parse(canonicalSpecJson);
    StrategyReading.Reading read = StrategyReading.read(spec.get("strategy"), spec.get("stop"));
    if (!read.violations().isEmpty()) {
      throw new IllegalStateException(
          "expected strategy and stop of an accepted sweep but found " + read.violations());
    }
    Object recipe = spec.get("recipe");
    Object epochs = recipe instanceof Map<?, ?> fields ? fields.get("epochs") : null;
    List<Double> ratios = new ArrayList<>();
    if (spec.get("targets") instanceof Map<?, ?> targets) {
      for (String kind : List.of("macs", "params", "latency")) {
        if (targets.get(kind) instanceof List<?> list) {
          list.forEach(ratio -> ratios.add(((Number) ratio).doubleValue()));
        }
      }
    }
    return new SearchRules(
        read.strategy(),
        read.stop(),
        epochs instanceof Number number ? number.intValue() : Recipe.DEFAULTS.epochs(),
        spec.get("seeds") instanceof List<?> seeds ? Math.max(1, seeds.size()) : 1,
        ratios);
  }

  /** Whether the sweep must hear of epochs while they are trained. */
  public boolean watchesEpochs() {
    return strategy instanceof Strategy.Halving || !(stop instanceof StoppingRule.None);
  }

  /** Whether anything is decided by what trials show. */
  public boolean adaptive() {
    return watchesEpochs() || strategy instanceof Strategy.Bisection;
  }

  /** Epochs that each rung asks for; only the recipe's without rungs. */
  public List<Integer> budgets() {
    return strategy instanceof Strategy.Halving halving
        ? new AsynchronousHalving(halving.eta()).budgets(halving.minEpochs(), epochs)
        : List.of(epochs);
  }

  /** Keep ratios that trials are made for: the targets, or what bisection may try. */
  public List<Double> candidates() {
    return strategy instanceof Strategy.Bisection bisection
        ? KeepRatios.between(ratios.get(0), ratios.get(1), bisection.tolerance())
        : ratios;
  }

  /** Whether the sweep's history keeps this epoch of a trial. */
  public boolean keeps(int epoch) {
    return epoch > 0
        && (strategy instanceof Strategy.Halving && budgets().contains(epoch)
            || new StoppingJudge(stop, epochs).looksAt(epoch));
  }
}
