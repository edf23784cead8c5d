package dev.espalier.sweep.assignment;

/**
 * A lease that is out.
 *
 * @param alone whether nothing else may run on the host meanwhile
 */
public record Occupation(
    String stageId, String workerId, String host, String sweepId, boolean alone) {}
