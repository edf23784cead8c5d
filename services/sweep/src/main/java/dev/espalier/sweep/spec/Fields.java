package dev.espalier.sweep.spec;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The members of one object of a request. Every accessor that finds something wrong notes it and
 * answers with the default, so that one reading finds everything.
 */
final class Fields {

  private static final int SHOWN = 80;

  private final String path;
  private final Map<String, Object> members;
  private final List<Violation> violations;

  private Fields(String path, Map<String, Object> members, List<Violation> violations) {
    this.path = path;
    this.members = members;
    this.violations = violations;
  }

  /** Views {@code value} as an object; another value is noted and read as an empty one. */
  static Fields of(String path, Object value, Set<String> known, List<Violation> violations) {
    Map<String, Object> members = new LinkedHashMap<>();
    if (value instanceof Map<?, ?> map) {
      map.forEach((key, member) -> members.put(String.valueOf(key), member));
    } else if (value != null) {
      violations.add(new Violation(path, "an object", show(value)));
    }
    Fields fields = new Fields(path, members, violations);
    for (String name : members.keySet()) {
      if (!known.contains(name)) {
        fields.unknown(name, known);
      }
    }
    return fields;
  }

  private void unknown(String name, Collection<String> known) {
    String expected =
        Suggestions.nearest(name, known)
            .map("a known field; did you mean %s?"::formatted)
            .orElseGet(
                () -> "a known field: one of " + String.join(", ", new java.util.TreeSet<>(known)));
    violations.add(new Violation(at(shorten(name)), expected, "unknown field"));
  }

  /** Whether the field is there; null counts as absent. */
  boolean has(String name) {
    return members.get(name) != null;
  }

  Object raw(String name) {
    return members.get(name);
  }

  String text(
      String name, String fallback, String expected, java.util.function.Predicate<String> ok) {
    Object value = members.get(name);
    if (value == null && fallback != null) {
      return fallback;
    }
    if (value instanceof String text && ok.test(text)) {
      return text;
    }
    wrong(name, expected, value);
    return fallback == null ? "" : fallback;
  }

  String choice(String name, String fallback, List<String> choices) {
    return text(name, fallback, oneOf(choices), choices::contains);
  }

  int integer(String name, Integer fallback, int min, int max) {
    Object value = members.get(name);
    if (value == null && fallback != null) {
      return fallback;
    }
    Optional<Long> integer = asInteger(value);
    if (integer.isPresent() && integer.get() >= min && integer.get() <= max) {
      return integer.get().intValue();
    }
    wrong(name, "an integer in [%d, %d]".formatted(min, max), value);
    return fallback == null ? min : fallback;
  }

  double number(
      String name, double fallback, String expected, java.util.function.DoublePredicate ok) {
    Object value = members.get(name);
    if (value == null) {
      return fallback;
    }
    if (value instanceof Number number
        && Double.isFinite(number.doubleValue())
        && ok.test(number.doubleValue())) {
      return number.doubleValue();
    }
    wrong(name, expected, value);
    return fallback;
  }

  /** The elements of a list; a field that is absent or no list has none. */
  List<Object> list(String name, String expected, boolean required) {
    Object value = members.get(name);
    if (value == null && !required) {
      return List.of();
    }
    if (value instanceof List<?> list) {
      if (list.isEmpty() && required) {
        wrong(name, expected, list);
      }
      return new ArrayList<>(list);
    }
    wrong(name, expected, value);
    return List.of();
  }

  void wrong(String name, String expected, Object found) {
    violations.add(new Violation(at(name), expected, show(found)));
  }

  String at(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  static Optional<Long> asInteger(Object value) {
    if (value instanceof Long || value instanceof Integer || value instanceof Short) {
      return Optional.of(((Number) value).longValue());
    }
    if (value instanceof Number number
        && number.doubleValue() == Math.rint(number.doubleValue())
        && Math.abs(number.doubleValue()) <= 9.007199254740992E15) {
      return Optional.of(number.longValue());
    }
    return Optional.empty();
  }

  static String oneOf(Collection<String> choices) {
    return "one of " + String.join(", ", choices);
  }

  /** A value for a message: text in quotes, everything on one line and short. */
  static String show(Object value) {
    if (value == null) {
      return "nothing";
    }
    if (value instanceof String text) {
      return "\"" + shorten(text) + "\"";
    }
    if (value instanceof List<?> list && list.isEmpty()) {
      return "an empty list";
    }
    if (value instanceof List<?> list) {
      return "a list of " + list.size();
    }
    if (value instanceof Map<?, ?>) {
      return "an object";
    }
    return shorten(String.valueOf(value));
  }

  private static String shorten(String text) {
    String line = text.replaceAll("\\p{Cntrl}", " ");
    return line.length() <= SHOWN ? line : line.substring(0, SHOWN) + "...";
  }
}
