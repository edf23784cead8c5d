package dev.espalier.pruning.method;

import java.util.Map;

/** Told how a search goes. Called on the searching thread; must not change anything. */
@FunctionalInterface
public interface SearchObserver {

  /** Nobody looks. */
  SearchObserver NONE = (step, values) -> {};

  /**
   * A batch was done.
   *
   * @param step batches so far
   * @param values named numbers, for instance {@code loss} and {@code macs_keep_ratio}
   */
  void onStep(long step, Map<String, Double> values);
}
