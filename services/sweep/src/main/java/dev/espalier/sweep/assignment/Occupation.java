package dev.espalier.sweep.assignment;

/**
 * A lease that is out.
 *
 * @param team who is charged for it
 * @param remaining stages that are left of the longest walk it stands in, itself included
 * @param alone whether nothing else may run on the host meanwhile
 */
public record Occupation(
    String stageId,
    String workerId,
    String host,
    String team,
    String sweepId,
    int remaining,
    boolean alone) {}
