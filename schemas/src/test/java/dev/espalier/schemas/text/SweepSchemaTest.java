package dev.espalier.schemas.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.json.Json;
import dev.espalier.sweep.spec.SweepJsonSchema;
import dev.espalier.sweep.spec.SweepSpecReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Holds the published JSON Schema equal to the reader. The validator here knows the keywords that
 * the schema uses, and fails on any other.
 */
class SweepSchemaTest {

  private static final Path FILE = Path.of("src/main/resources/espalier/sweep.schema.json");

  @Test
  void isThePublishedFile() throws IOException {
    if (Boolean.getBoolean("espalier.update")) {
      Files.writeString(FILE, SweepJsonSchema.text());
    }
    assertThat(Files.readString(FILE))
        .as("run with -Dtest.jvm=-Despalier.update=true to write the file anew")
        .isEqualTo(SweepJsonSchema.text());
  }

  @Test
  void acceptsTheExamples() throws IOException {
    for (Path example : ExamplesTest.examples()) {
      assertThat(valid(SweepText.read(Files.readAllBytes(example)).tree())).isTrue();
    }
  }

  @Test
  void agreesWithTheReaderAtTheEdgeOfEveryNumberAndOnWrongTypes() {
    Map<String, Object> properties = properties(SweepJsonSchema.tree());
    for (String field : properties.keySet()) {
      for (Object value : candidates(rule(properties, field))) {
        agree(field + " = " + value, tree -> tree.put(field, value));
      }
    }
    for (String section : List.of("recipe", "evaluation")) {
      Map<String, Object> rules = properties(rule(properties, section));
      for (String field : rules.keySet()) {
        for (Object value : candidates(rule(rules, field))) {
          Map<String, Object> written = new LinkedHashMap<>();
          if (field.equals("warmupEpochs")) {
            written.put("epochs", 10_000L);
          }
          written.put(field, value);
          agree(section + "." + field + " = " + value, tree -> tree.put(section, written));
        }
      }
    }
  }

  @Test
  void agreesWithTheReaderOnEveryParameterOfEveryMethod() {
    Map<String, Object> items = rule(rule(properties(SweepJsonSchema.tree()), "methods"), "items");
    for (Object alternative : (List<?>) items.get("oneOf")) {
      Map<String, Object> fields = properties(object(alternative));
      if (fields == null) {
        continue;
      }
      Object name = rule(fields, "name").get("const");
      Map<String, Object> parameters = properties(rule(fields, "parameters"));
      for (String parameter : parameters.keySet()) {
        for (Object value : candidates(rule(parameters, parameter))) {
          Map<String, Object> written = new LinkedHashMap<>();
          written.put(parameter, value);
          agree(
              "%s.%s = %s".formatted(name, parameter, value),
              tree -> tree.put("methods", List.of(Map.of("name", name, "parameters", written))));
        }
      }
      agree("unknown", tree -> tree.put("methods", List.of(Map.of("name", name, "x", 1L))));
    }
  }

  @Test
  void agreesWithTheReaderOnListsAndMissingFields() {
    for (String field :
        List.of("name", "model", "dataset", "methods", "targets", "seeds", "recipe")) {
      agree("no " + field, tree -> tree.remove(field));
    }
    agree("unknown field", tree -> tree.put("colour", "red"));
    agree("no seeds", tree -> tree.put("seeds", List.of()));
    agree("equal seeds", tree -> tree.put("seeds", List.of(1L, 1L)));
    agree("text seed", tree -> tree.put("seeds", List.of("1")));
    agree("no ratios", tree -> tree.put("targets", Map.of("macs", List.of())));
    agree("ratios of params", tree -> tree.put("targets", Map.of("params", List.of(0.5))));
    for (Object ratio : List.of(0L, 0.0, 1L, 1.5, -0.1, 1e-9, "half", true, List.of())) {
      agree("ratio " + ratio, tree -> tree.put("targets", Map.of("macs", List.of(ratio))));
    }
    agree("unknown target", tree -> tree.put("targets", Map.of("joules", List.of(0.5))));
    agree("latency target", tree -> tree.put("targets", Map.of("latency", List.of(0.5))));
    agree(
        "latency in an unknown runtime",
        tree -> tree.put("targets", Map.of("latency", List.of(0.5), "latencyRuntime", "tpu")));
    agree("method as text", tree -> tree.put("methods", List.of("nvit")));
    agree("unknown method", tree -> tree.put("methods", List.of("vtp")));
    agree("no methods", tree -> tree.put("methods", List.of()));
    for (Object policies :
        List.of(
            List.of(),
            List.of("none", "smooth"),
            List.of("smooth", "smooth"),
            List.of("x"),
            "none")) {
      agree(
          "policies " + policies,
          tree -> tree.put("methods", List.of(Map.of("name", "nvit", "redistribution", policies))));
    }
  }

  @Test
  void agreesWithTheReaderOnStrategiesAndStoppingRules() {
    for (Object strategy :
        List.of(
            "grid",
            "asha",
            "random",
            "bisection",
            "luck",
            3L,
            List.of(),
            Map.of(),
            Map.of("name", "grid"),
            Map.of("name", "grid", "eta", 3L),
            Map.of("name", "random", "samples", 1L),
            Map.of("name", "random", "samples", 1L, "seed", -1L),
            Map.of("name", "asha", "minEpochs", 2L, "eta", 2L),
            Map.of("name", "asha", "eta", 11L),
            Map.of("name", "asha", "eta", 2.5),
            Map.of("name", "bisection", "maxLoss", 1L),
            Map.of("name", "bisection", "maxLoss", 0.5, "tolerance", 0.001))) {
      agree("strategy " + strategy, tree -> tree.put("strategy", strategy));
    }
    for (Object stop :
        List.of(
            "none",
            "median",
            "loss",
            Map.of("name", "none"),
            Map.of("name", "median", "graceEpochs", 2L, "minTrials", 2L),
            Map.of("name", "median", "minTrials", 1L),
            Map.of("name", "median", "maxLoss", 0.1),
            Map.of("name", "loss", "maxLoss", 0.1),
            Map.of("name", "loss", "maxLoss", 0L),
            Map.of("name", "loss"))) {
      agree("stop " + stop, tree -> tree.put("stop", stop));
    }
    Object bisection = Map.of("name", "bisection", "maxLoss", 0.02, "tolerance", 0.1);
    agree(
        "bisection between two targets",
        tree -> {
          tree.put("strategy", bisection);
          tree.put("targets", Map.of("macs", List.of(0.3, 0.9)));
        });
  }

  @Test
  void agreesWithTheReaderOnLabels() {
    Map<String, String> many = new LinkedHashMap<>();
    for (int i = 0; i < 9; i++) {
      many.put("label" + i, "x");
    }
    for (Object labels :
        List.of(
            Map.of("device", "Intel(R) Xeon(R) CPU @ 2.70GHz", "room", "cellar"),
            Map.of("host", " gpu-7"),
            Map.of("host", "a\nb"),
            Map.of("host", ""),
            Map.of("host", "x".repeat(128)),
            Map.of("host", "x".repeat(129)),
            Map.of("gpus", 4L),
            Map.of("a room", "cellar"),
            List.of("room=cellar"),
            "room=cellar",
            many)) {
      agree("labels " + labels, tree -> tree.put("evaluation", Map.of("labels", labels)));
    }
  }

  private static void agree(String what, Consumer<Map<String, Object>> change) {
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("name", "x");
    tree.put("model", "m");
    tree.put("dataset", "d");
    tree.put("methods", List.of(Map.of("name", "magnitude")));
    tree.put("targets", Map.of("macs", List.of(0.5)));
    tree.put("seeds", List.of(1L));
    change.accept(tree);
    assertThat(valid(tree))
        .as("%s: the reader says %s", what, SweepSpecReader.read(tree).violations())
        .isEqualTo(SweepSpecReader.read(tree).violations().isEmpty());
  }

  /** Values inside, on and outside a rule's bounds, and of other types. */
  private static List<Object> candidates(Map<String, Object> rule) {
    List<Object> values =
        new ArrayList<>(List.of("text", true, 0.5, 3L, 7.0, -1L, List.of(), Map.of("x", 1L), ""));
    for (String bound : List.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")) {
      if (rule.get(bound) instanceof Number number) {
        double edge = number.doubleValue();
        values.addAll(List.of(edge, edge - 1, edge + 1, Math.nextDown(edge), Math.nextUp(edge)));
      }
    }
    if (rule.get("enum") instanceof List<?> choices) {
      values.addAll(choices);
    }
    if (rule.containsKey("pattern")) {
      values.addAll(
          List.of("a-b_c.1", "../etc", "a b", "-a", "x".repeat(64), "x".repeat(65), "a\n"));
    }
    return values;
  }

  private static boolean valid(Object value) {
    return valid(value, SweepJsonSchema.tree());
  }

  private static boolean valid(Object value, Map<String, Object> schema) {
    for (Map.Entry<String, Object> keyword : schema.entrySet()) {
      Object rule = keyword.getValue();
      boolean holds =
          switch (keyword.getKey()) {
            case "$schema", "$id", "title", "description", "default" -> true;
            case "type" -> isType(value, (String) rule);
            case "const" -> same(rule, value);
            case "enum" -> ((List<?>) rule).stream().anyMatch(choice -> same(choice, value));
            case "minimum" -> !(value instanceof Number n) || n.doubleValue() >= of(rule);
            case "maximum" -> !(value instanceof Number n) || n.doubleValue() <= of(rule);
            case "exclusiveMinimum" -> !(value instanceof Number n) || n.doubleValue() > of(rule);
            case "exclusiveMaximum" -> !(value instanceof Number n) || n.doubleValue() < of(rule);
            case "pattern" -> !(value instanceof String s) || s.matches((String) rule);
            case "minItems" -> !(value instanceof List<?> l) || l.size() >= of(rule);
            case "maxItems" -> !(value instanceof List<?> l) || l.size() <= of(rule);
            case "uniqueItems" ->
                !(value instanceof List<?> l)
                    || new HashSet<>(l.stream().map(Json::canonical).toList()).size() == l.size();
            case "items" ->
                !(value instanceof List<?> l) || l.stream().allMatch(v -> valid(v, object(rule)));
            case "required" ->
                !(value instanceof Map<?, ?> m)
                    || ((List<?>) rule).stream().allMatch(name -> m.get(name) != null);
            case "properties" ->
                !(value instanceof Map<?, ?> m)
                    || object(rule).entrySet().stream()
                        .allMatch(
                            property ->
                                m.get(property.getKey()) == null
                                    || valid(
                                        m.get(property.getKey()), object(property.getValue())));
            case "additionalProperties" ->
                !(value instanceof Map<?, ?> m)
                    || (rule instanceof Map
                        ? m.values().stream().allMatch(v -> valid(v, object(rule)))
                        : properties(schema).keySet().containsAll(m.keySet()));
            case "propertyNames" ->
                !(value instanceof Map<?, ?> m)
                    || m.keySet().stream().allMatch(name -> valid(name, object(rule)));
            case "maxProperties" -> !(value instanceof Map<?, ?> m) || m.size() <= of(rule);
            case "oneOf" ->
                ((List<?>) rule).stream().filter(one -> valid(value, object(one))).count() == 1;
            case "anyOf" -> ((List<?>) rule).stream().anyMatch(one -> valid(value, object(one)));
            default -> throw new AssertionError("unknown keyword " + keyword.getKey());
          };
      if (!holds) {
        return false;
      }
    }
    return true;
  }

  private static boolean isType(Object value, String type) {
    return switch (type) {
      case "object" -> value instanceof Map;
      case "array" -> value instanceof List;
      case "string" -> value instanceof String;
      case "boolean" -> value instanceof Boolean;
      case "number" -> value instanceof Number;
      case "integer" ->
          value instanceof Number number && number.doubleValue() == Math.rint(number.doubleValue());
      default -> throw new AssertionError("unknown type " + type);
    };
  }

  private static boolean same(Object rule, Object value) {
    return Json.canonical(rule).equals(Json.canonical(value));
  }

  private static double of(Object number) {
    return ((Number) number).doubleValue();
  }

  private static Map<String, Object> properties(Map<String, Object> schema) {
    return schema.get("properties") == null ? null : object(schema.get("properties"));
  }

  private static Map<String, Object> rule(Map<String, Object> rules, String name) {
    return object(rules.get(name));
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> object(Object tree) {
    return (Map<String, Object>) tree;
  }
}
