package dev.espalier.sweep.assignment;

import java.time.Instant;
import java.util.Map;

/**
 * What teams and sweeps have had so far.
 *
 * @param slotSeconds by team, older use counting less, see {@link SlotUse}
 * @param servedAt when a sweep last got a slot
 */
public record Standing(Map<String, Double> slotSeconds, Map<String, Instant> servedAt) {

  /** Nobody has had anything. */
  public static final Standing NEW = new Standing(Map.of(), Map.of());

  public Standing {
    slotSeconds = Map.copyOf(slotSeconds);
    servedAt = Map.copyOf(servedAt);
  }
}
