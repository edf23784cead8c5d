package dev.espalier.eventstore;

import java.time.Instant;
import java.util.UUID;

/**
 * An event as it was appended.
 *
 * @param id position in the table; grows, with gaps, and is not the order of commits
 * @param version position in its stream, from 1 without gaps
 */
public record StoredEvent(
    long id,
    String stream,
    long version,
    UUID eventId,
    String type,
    byte[] payload,
    String topic,
    String key,
    Integer partition,
    String traceparent,
    Instant occurredAt) {}
