package dev.espalier.eventstore;

import com.google.protobuf.Descriptors.FieldDescriptor;
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
 * @param requestedBy who asked, as the message says; for the audit view
 * @param team whose work it is, as the message says
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
    Instant occurredAt,
    String requestedBy,
    String team) {

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
        occurredAt,
        text(message, "requested_by"),
        text(message, "team"));
  }

  /** A field of that name; empty where the message has none. */
  private static String text(Message message, String field) {
    FieldDescriptor descriptor = message.getDescriptorForType().findFieldByName(field);
    return descriptor == null ? "" : (String) message.getField(descriptor);
  }
}
