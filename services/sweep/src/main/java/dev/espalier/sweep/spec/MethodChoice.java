package dev.espalier.sweep.spec;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A method of a sweep.
 *
 * @param name of a registered method
 * @param parameters all of the method's parameters, defaults filled in, sorted by name; values are
 *     Long, Double, String or Boolean
 * @param redistribution policies to compare, "none" among them or not
 */
public record MethodChoice(
    String name, Map<String, Object> parameters, List<String> redistribution) {

  public MethodChoice {
    parameters = Collections.unmodifiableMap(new TreeMap<>(parameters));
    redistribution = List.copyOf(redistribution);
  }
}
