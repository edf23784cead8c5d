package dev.espalier.sweep.assignment;

import java.util.Map;
import java.util.Set;

/**
 * A worker that takes work.
 *
 * @param running leases it holds
 * @param labels device, host, and what its operator says of it
 */
public record Worker(
    String workerId,
    String host,
    String deviceKind,
    Set<Capability> capabilities,
    int slots,
    int running,
    Map<String, String> labels) {
  public Worker {
    capabilities = Set.copyOf(capabilities);
    labels = Map.copyOf(labels);
  }

  /** A worker of which no more is known. */
  public Worker(
      String workerId,
      String host,
      String deviceKind,
      Set<Capability> capabilities,
      int slots,
      int running) {
    this(workerId, host, deviceKind, capabilities, slots, running, Map.of());
  }

  /**
   * Whether it could run a stage, had it a free slot.
   *
   * @param onDevice kind of device; empty if that is all the same
   * @param with labels that it must have
   */
  public boolean able(Capability needs, String onDevice, Map<String, String> with) {
    return capabilities.contains(needs)
        && (onDevice.isEmpty() || onDevice.equals(deviceKind))
        && labels.entrySet().containsAll(with.entrySet());
  }
}
