package dev.espalier.sweep.lifecycle;

/**
 * Leave to work on a stage. A report counts only under the current one.
 *
 * @param generation grows with every lease of the stage
 */
public record Lease(String workerId, String leaseId, long generation) {}
