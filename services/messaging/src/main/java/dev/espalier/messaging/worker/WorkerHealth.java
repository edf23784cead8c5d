package dev.espalier.messaging.worker;

import java.time.Duration;

/**
 * How a worker is doing.
 *
 * @param alive whether its threads run
 * @param joined whether it has announced itself
 * @param draining whether it is on its way out
 * @param running stages that run or wait for a slot
 * @param sinceAcknowledged time since the broker last acknowledged a heartbeat
 */
public record WorkerHealth(
    boolean alive, boolean joined, boolean draining, int running, Duration sinceAcknowledged) {}
