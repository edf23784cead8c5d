package dev.espalier.messaging.consume;

import dev.espalier.messaging.trace.TraceContext;
import java.time.Instant;

/**
 * A record that was read and checked.
 *
 * @param payload the bytes as they came, for the inbox's hash
 * @param trace from the record's header, or a new trace
 * @param authorization the sender's token from the record's header, unchecked; null if there is
 *     none
 */
public record ConsumedRecord<M>(
    String topic,
    int partition,
    long offset,
    Instant timestamp,
    String key,
    String eventId,
    String eventType,
    M message,
    byte[] payload,
    TraceContext trace,
    String authorization) {}
