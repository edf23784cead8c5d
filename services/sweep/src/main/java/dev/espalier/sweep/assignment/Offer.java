package dev.espalier.sweep.assignment;

import java.time.Instant;
import java.util.Map;

/**
 * A stage that could run now.
 *
 * @param needs what a worker must be able to do
 * @param deviceKind what it must run on; empty if that is all the same
 * @param team who is charged for it
 * @param sweepId and which of its sweeps
 * @param priority best of its claimants
 * @param runnableSince when the last thing it waited for came
 * @param rank place of its kind in a trial's walk
 * @param remaining stages that are left of the longest walk it stands in, itself included
 * @param alone whether nothing else may run on its host meanwhile
 * @param labels what its worker must have
 */
public record Offer(
    String stageId,
    Capability needs,
    String deviceKind,
    String team,
    String sweepId,
    int priority,
    Instant runnableSince,
    int rank,
    int remaining,
    boolean alone,
    Map<String, String> labels) {

  public Offer {
    labels = Map.copyOf(labels);
  }

  /** A stage that any able worker may run. */
  public Offer(
      String stageId,
      Capability needs,
      String deviceKind,
      String team,
      String sweepId,
      int priority,
      Instant runnableSince,
      int rank,
      int remaining,
      boolean alone) {
    this(
        stageId,
        needs,
        deviceKind,
        team,
        sweepId,
        priority,
        runnableSince,
        rank,
        remaining,
        alone,
        Map.of());
  }
}
