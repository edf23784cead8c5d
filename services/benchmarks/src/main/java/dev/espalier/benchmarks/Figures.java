package dev.espalier.benchmarks;

import java.util.Map;

/** What a measurement found, for programs to read. */
public final class Figures {

  private Figures() {}

  /** One flat object of numbers and plain words, in the order of the map. */
  public static String json(Map<String, Object> fields) {
    StringBuilder json = new StringBuilder("{");
    fields.forEach(
        (name, value) -> {
          json.append(json.length() > 1 ? ", " : "").append('"').append(name).append("\": ");
          json.append(value instanceof String ? "\"" + value + "\"" : value);
        });
    return json.append('}').toString();
  }
}
