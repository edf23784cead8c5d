package dev.espalier.sweep.spec;

import java.util.Map;
import java.util.OptionalDouble;

/**
 * When a sweep stops by itself.
 *
 * @param deviceHours slot time of its attempts after which nothing new of it starts
 */
public record Caps(OptionalDouble deviceHours) {

  public static final Caps NONE = new Caps(OptionalDouble.empty());

  /** The tree form, by the names of the fields; empty where there is no cap. */
  public Map<String, Object> toTree() {
    return deviceHours.isPresent() ? Map.of("deviceHours", deviceHours.getAsDouble()) : Map.of();
  }
}
