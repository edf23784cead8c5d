package dev.espalier.sweep.assignment;

import java.util.Set;

/**
 * A worker that takes work.
 *
 * @param running leases it holds
 */
public record Worker(
    String workerId,
    String host,
    String deviceKind,
    Set<Capability> capabilities,
    int slots,
    int running) {
  public Worker {
    capabilities = Set.copyOf(capabilities);
  }
}
