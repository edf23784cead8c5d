package dev.espalier.eventstore;

import com.google.protobuf.Message;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.messaging.trace.TraceContext;
import java.time.Instant;
import java.util.UUID;

/**
 * An event about to be appended, and the record it becomes on Kafka.
 *
 * @param type case name, such as {@code stage_assigned}
 * @param partition partition to write to; null leaves it to the key
 */
public record NewEvent(
    UUID eventId,
    String type,
    byte[] payload,
    String topic,
    String key,
    Integer partition,
    String traceparent,
    Instant occurredAt) {

  /** What the topics take, less room for key and headers. */
  private static final int LARGEST_PAYLOAD_BYTES = TopicAdmin.LARGEST_MESSAGE_BYTES - 16 * 1024;

  public NewEvent {
    if (payload.length > LARGEST_PAYLOAD_BYTES) {
      // Once appended it would hold up all that comes after it.
      throw new IllegalArgumentException(
          "expected at most %d bytes of %s for %s but found %d"
              .formatted(LARGEST_PAYLOAD_BYTES, type, topic, payload.length));
    }
  }

  public static <M extends Message> NewEvent of(
      TopicContract<M> contract, M message, Instant occurredAt, TraceContext trace) {
    return toPartition(contract, message, null, occurredAt, trace);
  }

  public static <M extends Message> NewEvent toPartition(
      TopicContract<M> contract,
      M message,
      Integer partition,
      Instant occurredAt,
      TraceContext trace) {
    return new NewEvent(
        UUID.fromString(contract.eventId().apply(message)),
        TopicContract.eventTypeOf(message),
        contract.encode(message),
        contract.topic(),
        contract.key().apply(message),
        partition,
        trace.traceparent(),
        occurredAt);
  }
}
