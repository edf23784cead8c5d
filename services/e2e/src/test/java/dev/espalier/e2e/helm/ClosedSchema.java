package dev.espalier.e2e.helm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A schema that knows every field: {@code type}, {@code enum}, {@code required}, {@code items},
 * {@code properties} and, for maps with any keys, {@code values}. A field that it does not name is
 * wrong.
 */
record ClosedSchema(JsonNode schema) {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** The schema at {@code crds/NAME.json} on the class path. */
  static ClosedSchema named(String name) {
    try (InputStream file = ClosedSchema.class.getResourceAsStream("/crds/" + name + ".json")) {
      return new ClosedSchema(JSON.readTree(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What is wrong with the value, by path; empty if nothing is. */
  List<String> problems(String path, Object value) {
    List<String> problems = new ArrayList<>();
    check(path, value, schema, problems);
    return problems;
  }

  private static void check(String path, Object value, JsonNode schema, List<String> problems) {
    if (schema.has("enum")) {
      for (JsonNode choice : schema.get("enum")) {
        if (choice.asText().equals(value)) {
          return;
        }
      }
      problems.add(path + ": expected one of " + schema.get("enum") + " but found " + value);
      return;
    }
    String type = schema.get("type").asText();
    boolean fits =
        switch (type) {
          case "object" -> value instanceof Map;
          case "array" -> value instanceof List;
          case "integer" -> value instanceof Integer || value instanceof Long;
          case "boolean" -> value instanceof Boolean;
          case "string" -> value instanceof String;
          default -> throw new IllegalArgumentException("no type " + type);
        };
    if (!fits) {
      problems.add(path + ": expected " + type + " but found " + value);
    } else if (value instanceof Map<?, ?> map) {
      members(path, map, schema, problems);
    } else if (value instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        check(path + "[" + i + "]", list.get(i), schema.get("items"), problems);
      }
    }
  }

  private static void members(String path, Map<?, ?> map, JsonNode schema, List<String> problems) {
    for (JsonNode name : schema.path("required")) {
      if (!map.containsKey(name.asText())) {
        problems.add(path + "." + name.asText() + " is missing");
      }
    }
    map.forEach(
        (name, member) -> {
          JsonNode known =
              schema.has("values")
                  ? schema.get("values")
                  : schema.path("properties").get(name.toString());
          if (known == null) {
            problems.add(path + "." + name + " is unknown");
          } else {
            check(path + "." + name, member, known, problems);
          }
        });
  }
}
