package dev.espalier.scheduler.assignment;

import java.time.Duration;

/**
 * How leases behave.
 *
 * @param duration how long a lease lasts without renewal
 * @param stallTimeout longest time without headway
 * @param checkpointInterval time between checkpoints that workers keep to
 */
public record LeaseSettings(
    Duration duration, Duration stallTimeout, Duration checkpointInterval) {}
