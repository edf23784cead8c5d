package dev.espalier.architecture.method;

import java.util.List;
import java.util.Optional;

/**
 * A parameter of a method: what may be written in a sweep, and what holds when nothing is.
 *
 * @param name lowerCamelCase
 * @param phase the stage it belongs to
 * @param type of the value
 * @param defaultValue Long, Double, String or Boolean
 * @param min smallest number allowed; ignored for text and flags
 * @param max largest number allowed
 * @param choices allowed texts; empty for other types
 * @param description one sentence with the unit
 */
public record ParameterDescriptor(
    String name,
    ParameterPhase phase,
    ParameterType type,
    Object defaultValue,
    double min,
    double max,
    List<String> choices,
    String description) {

  public ParameterDescriptor {
    choices = List.copyOf(choices);
  }

  static ParameterDescriptor integer(
      String name, ParameterPhase phase, long value, long min, long max, String description) {
    return new ParameterDescriptor(
        name, phase, ParameterType.INTEGER, value, min, max, List.of(), description);
  }

  static ParameterDescriptor number(
      String name, ParameterPhase phase, double value, double min, double max, String description) {
    return new ParameterDescriptor(
        name, phase, ParameterType.NUMBER, value, min, max, List.of(), description);
  }

  static ParameterDescriptor choice(
      String name, ParameterPhase phase, String value, List<String> choices, String description) {
    return new ParameterDescriptor(
        name, phase, ParameterType.TEXT, value, 0, 0, choices, description);
  }

  static ParameterDescriptor flag(
      String name, ParameterPhase phase, boolean value, String description) {
    return new ParameterDescriptor(
        name, phase, ParameterType.FLAG, value, 0, 0, List.of(), description);
  }

  /** What is allowed, in words: "an integer in [1, 1000]". */
  public String expected() {
    return switch (type) {
      case INTEGER -> "an integer in [%d, %d]".formatted((long) min, (long) max);
      case NUMBER -> "a number in [%s, %s]".formatted(plain(min), plain(max));
      case TEXT -> "one of " + String.join(", ", choices);
      case FLAG -> "true or false";
    };
  }

  /** The value in the parameter's own type, or nothing when it is not allowed. */
  public Optional<Object> accept(Object value) {
    return switch (type) {
      case INTEGER ->
          value instanceof Number number
                  && number.doubleValue() == Math.rint(number.doubleValue())
                  && inRange(number.doubleValue())
              ? Optional.of(number.longValue())
              : Optional.empty();
      case NUMBER ->
          value instanceof Number number && inRange(number.doubleValue())
              ? Optional.of(number.doubleValue())
              : Optional.empty();
      case TEXT ->
          value instanceof String text && choices.contains(text)
              ? Optional.of(text)
              : Optional.empty();
      case FLAG -> value instanceof Boolean ? Optional.of(value) : Optional.empty();
    };
  }

  private boolean inRange(double value) {
    return value >= min && value <= max;
  }

  private static String plain(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
