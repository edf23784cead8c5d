package dev.espalier.sweep.assignment;

import java.time.Instant;

/**
 * A stage that could run now.
 *
 * @param needs what a worker must be able to do
 * @param deviceKind what it must run on; empty if that is all the same
 * @param sweepId who is charged for it
 * @param priority best of its claimants
 * @param runnableSince when the last thing it waited for came
 * @param rank place in a trial's walk; what is further along goes first
 * @param alone whether nothing else may run on its host meanwhile
 */
public record Offer(
    String stageId,
    Capability needs,
    String deviceKind,
    String sweepId,
    int priority,
    Instant runnableSince,
    int rank,
    boolean alone) {}
