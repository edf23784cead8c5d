package dev.espalier.sweep.spec;

import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.latency.LatencyConditions;
import dev.espalier.architecture.method.MethodDescriptor;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.method.ParameterDescriptor;
import dev.espalier.architecture.redistribution.Redistributions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The reader's rules as JSON Schema (draft 2020-12), for editors. The file in {@code schemas} is
 * this text; a test holds the two equal, and another holds the rules equal to {@link
 * SweepSpecReader}.
 *
 * <p>JSON Schema cannot say that warmupEpochs is at most epochs, that a method with equal
 * parameters is listed once, that a latency is of a batch that is evaluated, how many trials are
 * too many, or what a strategy asks of the rest of the sweep, and here not what parameters a method
 * behind another takes; the reader does.
 */
public final class SweepJsonSchema {

  public static final String ID = "https://espalier.dev/schemas/sweep.schema.json";

  private SweepJsonSchema() {}

  /** The schema as text, two spaces per level. */
  public static String text() {
    return Json.pretty(tree());
  }

  /** The schema as a tree. */
  public static Map<String, Object> tree() {
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put("name", name("Name for people."));
    properties.put(
        "team", withDefault(name("Team that owns the sweep."), SweepSpecReader.DEFAULT_TEAM));
    properties.put("model", name("Registered model that is pruned."));
    properties.put("dataset", name("Registered dataset."));
    properties.put("methods", methods());
    properties.put("targets", targets());
    Map<String, Object> seed = integer("", -2147483647, 2147483647);
    properties.put("seeds", list("Repeats of each cell.", seed, 1, 1000));
    properties.put("recipe", recipe());
    properties.put("evaluation", EvaluationSchema.evaluation());
    properties.put("strategy", StrategySchema.strategy());
    properties.put("stop", StrategySchema.stop());
    properties.put("priority", withDefault(integer("Higher goes first.", -100, 100), 0));
    Map<String, Object> cache = new LinkedHashMap<>();
    cache.put("description", "Whether stages of other sweeps may be reused.");
    cache.put("enum", List.of("on", "off", true, false));
    properties.put("cache", withDefault(cache, "on"));
    Map<String, Object> hours =
        number(
            "Slot time of its attempts after which nothing new of it starts.",
            "exclusiveMinimum",
            0,
            "maximum",
            SweepSpecReader.MAX_DEVICE_HOURS);
    Map<String, Object> caps = object(Map.of("deviceHours", hours));
    caps.put("description", "When the sweep stops by itself; default never.");
    properties.put("caps", caps);

    Map<String, Object> schema = new LinkedHashMap<>();
    schema.put("$schema", "https://json-schema.org/draft/2020-12/schema");
    schema.put("$id", ID);
    schema.put("title", "Espalier sweep");
    schema.putAll(object(properties));
    schema.put("required", List.of("name", "model", "dataset", "methods", "targets", "seeds"));
    return schema;
  }

  private static Map<String, Object> methods() {
    List<Object> alternatives = new ArrayList<>();
    Map<String, Object> bare = new LinkedHashMap<>();
    bare.put("description", "A method with its defaults.");
    bare.put("enum", Methods.names());
    alternatives.add(bare);
    for (MethodDescriptor method : Methods.ALL) {
      Map<String, Object> parameters = new LinkedHashMap<>();
      method.parameters().forEach(parameter -> parameters.put(parameter.name(), rule(parameter)));
      Map<String, Object> properties = new LinkedHashMap<>();
      Map<String, Object> name = new LinkedHashMap<>();
      name.put("description", method.title());
      name.put("const", method.name());
      properties.put("name", name);
      properties.put("parameters", object(parameters));
      List<String> policies =
          method.redistributable() ? Redistributions.names() : List.of(Redistributions.NONE);
      properties.put(
          "redistribution",
          list(
              "Policies to compare; left out or empty: none alone.",
              choice("", policies),
              0,
              policies.size()));
      if (!ThenReading.followers(method).isEmpty()) {
        properties.put("then", then(method));
      }
      Map<String, Object> alternative = object(properties);
      alternative.put("required", List.of("name"));
      alternatives.add(alternative);
    }
    Map<String, Object> list = new LinkedHashMap<>();
    list.put("description", "Methods to compare.");
    list.put("type", "array");
    list.put("items", Map.of("oneOf", alternatives));
    list.put("minItems", 1);
    list.put("maxItems", 100);
    return list;
  }

  /** What may follow a method, on the model that it pruned and recovered. */
  private static Map<String, Object> then(MethodDescriptor first) {
    List<String> followers = ThenReading.followers(first);
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put("name", choice("", followers));
    Map<String, Object> parameters = described("Of that method, as where it stands alone.");
    parameters.put("type", "object");
    properties.put("parameters", parameters);
    Map<String, Object> share =
        number(
            "Share of the reduction that the first method makes.",
            "minimum",
            ThenReading.LEAST_SHARE,
            "maximum",
            ThenReading.MOST_SHARE);
    properties.put("share", withDefault(share, ThenReading.DEFAULT_SHARE));
    Map<String, Object> method = object(properties);
    method.put("required", List.of("name"));
    Map<String, Object> then = described("A second method, on the model recovered from the first.");
    then.put("oneOf", List.of(choice("A method with its defaults.", followers), method));
    return then;
  }

  private static Map<String, Object> rule(ParameterDescriptor parameter) {
    Map<String, Object> rule =
        switch (parameter.type()) {
          case INTEGER ->
              integer(parameter.description(), (long) parameter.min(), (long) parameter.max());
          case NUMBER ->
              number(
                  parameter.description(), "minimum", parameter.min(), "maximum", parameter.max());
          case TEXT -> choice(parameter.description(), parameter.choices());
          case FLAG -> {
            Map<String, Object> flag = new LinkedHashMap<>();
            flag.put("description", parameter.description());
            flag.put("type", "boolean");
            yield flag;
          }
        };
    return withDefault(rule, parameter.defaultValue());
  }

  private static Map<String, Object> targets() {
    Map<String, Object> ratio = number("", "exclusiveMinimum", 0, "maximum", 1);
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put("macs", list("Shares of the base's multiply-accumulates.", ratio, 0, 100));
    properties.put("params", list("Shares of the base's parameters.", ratio, 0, 100));
    properties.put(
        "latency",
        list("Shares of the base's forward time, by a table that is measured.", ratio, 0, 100));
    properties.put(
        "latencyBatchSize",
        withDefault(
            integer("Images of the pass that is meant: 1 or evaluation.batchSize.", 1, 65_536),
            Targets.DEFAULT_BATCH_SIZE));
    properties.put(
        "latencyRuntime",
        withDefault(choice("Where it runs.", LatencyConditions.RUNTIMES), Targets.DEFAULT_RUNTIME));
    Map<String, Object> targets = object(properties);
    targets.put("description", "Keep ratios to reach.");
    List<Object> either = new ArrayList<>();
    for (String kind : TargetKind.names()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("required", List.of(kind));
      one.put("properties", Map.of(kind, Map.of("minItems", 1)));
      either.add(one);
    }
    targets.put("anyOf", either);
    return targets;
  }

  private static Map<String, Object> recipe() {
    Map<String, Object> defaults = Recipe.DEFAULTS.toTree();
    Map<String, Object> rules = new LinkedHashMap<>();
    rules.put("epochs", integer("Passes over the training images.", 1, 10_000));
    rules.put("batchSize", integer("Images per update.", 1, 65_536));
    rules.put(
        "learningRate",
        number(
            "Of AdamW, after warm-up, falling along a cosine.",
            "exclusiveMinimum",
            0,
            "maximum",
            1));
    rules.put("weightDecay", number("Decoupled, on matrices only.", "minimum", 0, "maximum", 1));
    rules.put(
        "warmupEpochs",
        number(
            "Linear rise of the learning rate; at most epochs.", "minimum", 0, "maximum", 10_000));
    rules.put(
        "labelSmoothing",
        number("Share spread over all classes.", "minimum", 0, "exclusiveMaximum", 1));
    rules.put(
        "clipNorm",
        number("Bound on the global gradient norm; 0: none.", "minimum", 0, "maximum", 1000));
    rules.put(
        "distillationWeight",
        number(
            "Coefficient of KL(teacher || student), batch mean; 0: no distillation.",
            "minimum",
            0,
            "maximum",
            100_000));
    rules.put(
        "distillationTemperature", number("Divides both logits.", "minimum", 0.1, "maximum", 100));
    rules.put("augmentation", choice("Of training images.", SweepSpecReader.AUGMENTATIONS));
    rules.put("precision", choice("Of the linear layers.", SweepSpecReader.PRECISIONS));
    rules.put("threads", integer("Of one training.", 1, 256));
    rules.put(
        "mixup",
        number(
            "Alpha of mixup: images and labels are blended; 0: none.",
            "minimum",
            0,
            "maximum",
            10));
    rules.put(
        "cutmix",
        number("Alpha of CutMix: boxes are exchanged; 0: none.", "minimum", 0, "maximum", 10));
    rules.put(
        "erasing",
        number("Probability that a box of an image is erased.", "minimum", 0, "maximum", 1));
    rules.replaceAll((name, rule) -> withDefault(asRule(rule), defaults.getOrDefault(name, 0.0)));
    rules.put(
        "device",
        withDefault(
            choice("Where searches, trainings and evaluations run.", SweepSpecReader.DEVICES),
            Recipe.DEFAULTS.device()));
    Map<String, Object> recipe = object(rules);
    recipe.put("description", "How accuracy is recovered after the cut.");
    return recipe;
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> asRule(Object rule) {
    return (Map<String, Object>) rule;
  }

  static Map<String, Object> object(Map<String, Object> properties) {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("type", "object");
    object.put("properties", properties);
    object.put("additionalProperties", false);
    return object;
  }

  private static Map<String, Object> list(
      String description, Map<String, Object> items, int min, int max) {
    Map<String, Object> list = new LinkedHashMap<>();
    list.put("description", description);
    list.put("type", "array");
    list.put("items", items);
    list.put("minItems", min);
    list.put("maxItems", max);
    list.put("uniqueItems", true);
    return list;
  }

  private static Map<String, Object> name(String description) {
    Map<String, Object> name = new LinkedHashMap<>();
    name.put("description", description);
    name.put("type", "string");
    name.put("pattern", "^" + SweepSpecReader.NAME.pattern() + "$");
    return name;
  }

  static Map<String, Object> choice(String description, List<String> choices) {
    Map<String, Object> choice = described(description);
    choice.put("enum", choices);
    return choice;
  }

  static Map<String, Object> integer(String description, long min, long max) {
    Map<String, Object> integer = described(description);
    integer.put("type", "integer");
    integer.put("minimum", min);
    integer.put("maximum", max);
    return integer;
  }

  static Map<String, Object> number(
      String description, String lower, double min, String upper, double max) {
    Map<String, Object> number = described(description);
    number.put("type", "number");
    number.put(lower, min);
    number.put(upper, max);
    return number;
  }

  static Map<String, Object> described(String description) {
    Map<String, Object> rule = new LinkedHashMap<>();
    if (!description.isEmpty()) {
      rule.put("description", description);
    }
    return rule;
  }

  static Map<String, Object> withDefault(Map<String, Object> rule, Object value) {
    Map<String, Object> copy = new LinkedHashMap<>(rule);
    copy.put("default", value);
    return copy;
  }
}
