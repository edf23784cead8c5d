package dev.espalier.sweep.spec;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * A second method, on the model that the first one pruned and recovered.
 *
 * @param name of a method that may follow the first
 * @param parameters all of the method's parameters, defaults filled in
 * @param share of the reduction that the first method makes, in (0, 1): of a keep ratio r it is
 *     asked for {@code r^share}, the second one for the rest
 */
public record Then(String name, Map<String, Object> parameters, double share) {

  public Then {
    parameters = Collections.unmodifiableMap(new TreeMap<>(parameters));
  }

  /** The keep ratio that the first method is asked for, to four digits. */
  public double first(double keepRatio) {
    return Math.round(Math.pow(keepRatio, share) * 1e4) / 1e4;
  }

  /** The tree form. */
  public Map<String, Object> toTree() {
    return new TreeMap<>(Map.of("name", name, "parameters", parameters, "share", share));
  }
}
