package dev.espalier.sweep.spec;

import static dev.espalier.sweep.spec.SweepJsonSchema.choice;
import static dev.espalier.sweep.spec.SweepJsonSchema.described;
import static dev.espalier.sweep.spec.SweepJsonSchema.integer;
import static dev.espalier.sweep.spec.SweepJsonSchema.number;
import static dev.espalier.sweep.spec.SweepJsonSchema.object;
import static dev.espalier.sweep.spec.SweepJsonSchema.withDefault;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The rules of {@link StrategyReading} as JSON Schema. */
final class StrategySchema {

  private StrategySchema() {}

  static Map<String, Object> strategy() {
    Map<String, Object> strategy =
        described("Which cells run and for how long: the name, or an object with parameters.");
    strategy.put(
        "oneOf",
        List.of(
            choice("grid: every cell. asha: with its defaults.", List.of("grid", "asha")),
            named("grid", "Every cell, with every seed.", Map.of(), List.of()),
            random(),
            asha(),
            bisection()));
    return withDefault(strategy, "grid");
  }

  static Map<String, Object> stop() {
    Map<String, Object> stop =
        described(
            "When a trial is stopped before its recovery is over; epochs count from the cut.");
    Map<String, Object> median = new LinkedHashMap<>();
    median.put("graceEpochs", grace());
    median.put(
        "minTrials",
        withDefault(
            integer("Others that must have come that far.", 2, 1000),
            StrategyReading.DEFAULT_MIN_TRIALS));
    Map<String, Object> loss = new LinkedHashMap<>();
    loss.put("graceEpochs", grace());
    loss.put("maxLoss", share("Top-1 that a trial may lack of the base's, from then on."));
    stop.put(
        "oneOf",
        List.of(
            choice("none, or median with its defaults.", List.of("none", "median")),
            named("none", "Every trial recovers to the end.", Map.of(), List.of()),
            named(
                "median",
                "Below the median of its method and target at the same epoch.",
                median,
                List.of()),
            named("loss", "Too far below the base.", loss, List.of("maxLoss"))));
    return withDefault(stop, "none");
  }

  private static Map<String, Object> random() {
    Map<String, Object> rules = new LinkedHashMap<>();
    rules.put("samples", integer("Cells to draw.", 1, StrategyReading.MAX_SAMPLES));
    rules.put("seed", withDefault(integer("Of the draw.", 0, Integer.MAX_VALUE), 1));
    return named("random", "Some cells, drawn without repeats.", rules, List.of("samples"));
  }

  private static Map<String, Object> asha() {
    Map<String, Object> rules = new LinkedHashMap<>();
    rules.put(
        "minEpochs",
        withDefault(
            integer(
                "Epochs of the first rung, less than the recipe's.", 1, StrategyReading.MAX_EPOCHS),
            1));
    rules.put(
        "eta",
        withDefault(
            integer("The best 1/eta of a rung train on.", 2, StrategyReading.MAX_ETA),
            StrategyReading.DEFAULT_ETA));
    return named(
        "asha",
        "Asynchronous successive halving of the cells of each target over epochs of recovery.",
        rules,
        List.of());
  }

  private static Map<String, Object> bisection() {
    Map<String, Object> rules = new LinkedHashMap<>();
    rules.put("maxLoss", share("Top-1 that a model may lack of the base's."));
    rules.put(
        "tolerance",
        withDefault(
            number(
                "Distance of neighbouring keep ratios.",
                "minimum",
                StrategyReading.LEAST_TOLERANCE,
                "maximum",
                StrategyReading.MOST_TOLERANCE),
            StrategyReading.DEFAULT_TOLERANCE));
    return named(
        "bisection",
        "The smallest keep ratio that loses at most maxLoss, between the two targets.",
        rules,
        List.of("maxLoss"));
  }

  private static Map<String, Object> grace() {
    return withDefault(
        integer(
            "First epoch that is judged, less than the recipe's epochs.",
            1,
            StrategyReading.MAX_EPOCHS),
        1);
  }

  private static Map<String, Object> share(String description) {
    return number(description, "exclusiveMinimum", 0, "exclusiveMaximum", 1);
  }

  private static Map<String, Object> named(
      String name, String description, Map<String, Object> rules, List<String> required) {
    Map<String, Object> properties = new LinkedHashMap<>();
    Map<String, Object> constant = described(description);
    constant.put("const", name);
    properties.put("name", constant);
    properties.putAll(rules);
    Map<String, Object> object = object(properties);
    List<String> all = new ArrayList<>(List.of("name"));
    all.addAll(required);
    object.put("required", all);
    return object;
  }
}
