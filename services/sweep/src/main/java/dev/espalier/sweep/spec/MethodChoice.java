package dev.espalier.sweep.spec;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A method of a sweep.
 *
 * @param name of a registered method
 * @param parameters all of the method's parameters, defaults filled in, sorted by name; values are
 *     Long, Double, String or Boolean
 * @param redistribution policies to compare, "none" among them or not
 * @param then a method that follows on the recovered model
 */
public record MethodChoice(
    String name, Map<String, Object> parameters, List<String> redistribution, Optional<Then> then) {

  public MethodChoice {
    parameters = Collections.unmodifiableMap(new TreeMap<>(parameters));
    redistribution = List.copyOf(redistribution);
  }

  /** A method alone. */
  public MethodChoice(String name, Map<String, Object> parameters, List<String> redistribution) {
    this(name, parameters, redistribution, Optional.empty());
  }
}
