package dev.espalier.scheduler.deadletters;

import java.time.Instant;

/**
 * A record that a consumer could not handle.
 *
 * @param topic that it came from; it lies in that topic's dead-letter topic
 * @param partition of the dead-letter topic
 * @param offset in that partition
 * @param parkedAt when the consumer gave it up
 * @param key of the record; null if it had none
 * @param eventType as the sender named it; empty if it did not
 * @param reason label such as unparsable, invalid, failed
 * @param message what the consumer said
 * @param consumer that could not handle it
 * @param bytes length of the record's value
 */
public record DeadLetter(
    String topic,
    int partition,
    long offset,
    Instant parkedAt,
    String key,
    String eventType,
    String reason,
    String message,
    String consumer,
    int bytes) {

  /** As commands name it. */
  public String id() {
    return topic + "/" + partition + "/" + offset;
  }
}
