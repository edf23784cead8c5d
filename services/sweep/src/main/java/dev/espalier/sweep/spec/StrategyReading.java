package dev.espalier.sweep.spec;

import dev.espalier.architecture.cost.TargetKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Reads {@code strategy} and {@code stop}. */
public final class StrategyReading {

  static final int MAX_SAMPLES = 100_000;
  static final int DEFAULT_ETA = 3;
  static final int MAX_ETA = 10;
  static final int MAX_EPOCHS = 10_000;
  static final int DEFAULT_MIN_TRIALS = 3;
  static final double DEFAULT_TOLERANCE = 0.05;
  static final double LEAST_TOLERANCE = 0.01;
  static final double MOST_TOLERANCE = 0.5;

  private static final String SHARE = "a number in (0, 1)";

  private StrategyReading() {}

  /**
   * What was read, and what is wrong with it.
   *
   * @param strategy to be used only without violations, like the rule
   */
  public record Reading(Strategy strategy, StoppingRule stop, List<Violation> violations) {}

  /** Reads both by themselves; null stands for the default. */
  public static Reading read(Object strategy, Object stop) {
    List<Violation> violations = new ArrayList<>();
    Map<String, Object> tree = new HashMap<>();
    tree.put("strategy", strategy);
    tree.put("stop", stop);
    Fields fields = Fields.of("", tree, tree.keySet(), violations);
    return new Reading(
        strategy(fields, violations), stop(fields, violations), List.copyOf(violations));
  }

  static Strategy strategy(Fields sweep, List<Violation> violations) {
    Named named = named(sweep, "strategy", "grid", Strategy.NAMES, violations);
    return switch (named.name()) {
      case "random" -> {
        Fields fields = named.fields(Set.of("name", "samples", "seed"), violations);
        yield new Strategy.Random(
            fields.integer("samples", null, 1, MAX_SAMPLES),
            fields.integer("seed", 1, 0, Integer.MAX_VALUE));
      }
      case "asha" -> {
        Fields fields = named.fields(Set.of("name", "minEpochs", "eta"), violations);
        yield new Strategy.Halving(
            fields.integer("minEpochs", 1, 1, MAX_EPOCHS),
            fields.integer("eta", DEFAULT_ETA, 2, MAX_ETA));
      }
      case "bisection" -> {
        Fields fields = named.fields(Set.of("name", "maxLoss", "tolerance"), violations);
        yield new Strategy.Bisection(
            share(fields, "maxLoss"),
            fields.number(
                "tolerance",
                DEFAULT_TOLERANCE,
                "a number in [%s, %s]".formatted(LEAST_TOLERANCE, MOST_TOLERANCE),
                x -> x >= LEAST_TOLERANCE && x <= MOST_TOLERANCE));
      }
      default -> {
        named.fields(Set.of("name"), violations);
        yield new Strategy.Grid();
      }
    };
  }

  static StoppingRule stop(Fields sweep, List<Violation> violations) {
    Named named = named(sweep, "stop", "none", StoppingRule.NAMES, violations);
    return switch (named.name()) {
      case "median" -> {
        Fields fields = named.fields(Set.of("name", "graceEpochs", "minTrials"), violations);
        yield new StoppingRule.Median(
            grace(fields), fields.integer("minTrials", DEFAULT_MIN_TRIALS, 2, 1000));
      }
      case "loss" -> {
        Fields fields = named.fields(Set.of("name", "graceEpochs", "maxLoss"), violations);
        yield new StoppingRule.Loss(grace(fields), share(fields, "maxLoss"));
      }
      default -> {
        named.fields(Set.of("name"), violations);
        yield new StoppingRule.None();
      }
    };
  }

  /** What only the whole sweep tells. */
  static void check(SweepSpec spec, List<Violation> violations) {
    if (spec.strategy() instanceof Strategy.Halving halving
        && halving.minEpochs() >= spec.recipe().epochs()) {
      violations.add(
          new Violation(
              "strategy.minEpochs",
              "less than the recipe's %d epochs".formatted(spec.recipe().epochs()),
              Integer.toString(halving.minEpochs())));
    }
    if (!(spec.stop() instanceof StoppingRule.None)
        && spec.stop().graceEpochs() >= spec.recipe().epochs()) {
      violations.add(
          new Violation(
              "stop.graceEpochs",
              "less than the recipe's %d epochs".formatted(spec.recipe().epochs()),
              Integer.toString(spec.stop().graceEpochs())));
    }
    if (spec.strategy() instanceof Strategy.Halving
        || spec.strategy() instanceof Strategy.Bisection) {
      for (MethodChoice method : Grid.uncut(spec)) {
        violations.add(
            new Violation(
                "methods",
                "methods that cut, for a search compares cuts to one keep ratio",
                method.name()));
      }
    }
    if (spec.strategy() instanceof Strategy.Bisection) {
      boolean pair =
          Stream.of(TargetKind.values()).anyMatch(kind -> spec.targets().of(kind).size() == 2);
      if (spec.targets().size() != 2 || !pair) {
        violations.add(
            new Violation(
                "targets",
                "two keep ratios of one kind, the smallest and the largest that bisection tries",
                "%d keep ratios".formatted(spec.targets().size())));
      }
    }
    if (spec.strategy() instanceof Strategy.Random random) {
      int cells = Grid.cells(spec);
      if (random.samples() > cells) {
        violations.add(
            new Violation(
                "strategy.samples",
                "at most the sweep's %d cells".formatted(cells),
                Integer.toString(random.samples())));
      }
    }
  }

  private static int grace(Fields fields) {
    return fields.integer("graceEpochs", 1, 1, MAX_EPOCHS);
  }

  /** A share that must be given. */
  private static double share(Fields fields, String field) {
    if (!fields.has(field)) {
      fields.wrong(field, SHARE, null);
      return 0.5;
    }
    return fields.number(field, 0.5, SHARE, x -> x > 0 && x < 1);
  }

  /** A choice by name, as text or as an object with its parameters. */
  private record Named(String path, String name, Map<?, ?> tree) {
    Fields fields(Set<String> known, List<Violation> violations) {
      return Fields.of(path, tree, known, violations);
    }
  }

  private static Named named(
      Fields sweep, String field, String fallback, List<String> names, List<Violation> violations) {
    Object raw = sweep.raw(field);
    Object name = raw instanceof Map<?, ?> map ? map.get("name") : raw == null ? fallback : raw;
    if (!(name instanceof String text) || !names.contains(text)) {
      String at = raw instanceof Map ? field + ".name" : field;
      sweep.wrong(at, Fields.oneOf(names), name);
      return new Named(sweep.at(field), fallback, Map.of());
    }
    return new Named(
        sweep.at(field), text, raw instanceof Map<?, ?> map ? map : Map.of("name", text));
  }
}
