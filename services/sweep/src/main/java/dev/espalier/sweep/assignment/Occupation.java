package dev.espalier.sweep.assignment;

import java.time.Instant;

/**
 * A lease that is out.
 *
 * @param team who is charged for it
 * @param priority best of its claimants
 * @param remaining stages that are left of the longest walk it stands in, itself included
 * @param alone whether nothing else may run on the host meanwhile
 * @param since when it was given out
 * @param preemptible whether the stage can go on from a checkpoint
 * @param yielding whether it was told to give its slot back
 */
public record Occupation(
    String stageId,
    String workerId,
    String host,
    String team,
    String sweepId,
    int priority,
    int remaining,
    boolean alone,
    Instant since,
    boolean preemptible,
    boolean yielding) {}
