package dev.espalier.messaging.consume;

import java.util.Optional;
import java.util.Set;

/**
 * How a {@link RecordLoop} is doing.
 *
 * @param alive whether its thread runs
 * @param connected whether the broker answered within the last seconds
 * @param partitions the partitions it owns now
 * @param lag records behind the end of its partitions when the broker last answered; -1 if unknown
 * @param lastError latest error that is still being retried, if any
 */
public record LoopHealth(
    String name,
    boolean alive,
    boolean connected,
    Set<Integer> partitions,
    long lag,
    Optional<String> lastError) {

  public LoopHealth {
    partitions = Set.copyOf(partitions);
  }
}
