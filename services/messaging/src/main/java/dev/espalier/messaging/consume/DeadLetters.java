package dev.espalier.messaging.consume;

import dev.espalier.messaging.publish.EventPublisher;
import dev.espalier.messaging.serde.EventHeaders;
import dev.espalier.messaging.serde.UnreadableRecord;
import dev.espalier.schemas.Topics;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Parks records that cannot be handled, as they came and with the reason. */
final class DeadLetters {

  static final String REASON = "dlq-reason";
  static final String MESSAGE = "dlq-message";
  static final String TOPIC = "dlq-topic";
  static final String PARTITION = "dlq-partition";
  static final String OFFSET = "dlq-offset";
  static final String CONSUMER = "dlq-consumer";

  private static final int MESSAGE_LIMIT = 2_000;
  private static final int ANSWER_SECONDS = 10;

  private static final Logger LOG = LoggerFactory.getLogger(DeadLetters.class);

  private final EventPublisher publisher;
  private final String consumer;
  private final MeterRegistry metrics;

  DeadLetters(EventPublisher publisher, String consumer, String topic, MeterRegistry metrics) {
    this.publisher = publisher;
    this.consumer = consumer;
    this.metrics = metrics;
    // From the start at 0: an alert sees a counter rise, not appear.
    for (UnreadableRecord.Reason reason : UnreadableRecord.Reason.values()) {
      counter(topic, reason);
    }
  }

  private Counter counter(String topic, UnreadableRecord.Reason reason) {
    return metrics.counter("espalier.dead.letters", "topic", topic, "reason", reason.label());
  }

  /** Returns once the broker has the dead letter, so that the record's offset may be committed. */
  void park(ConsumerRecord<byte[], byte[]> record, UnreadableRecord reason)
      throws InterruptedException, TimeoutException, ExecutionException {
    List<Header> headers = new ArrayList<>(List.of(record.headers().toArray()));
    // A token is still good for a while; whoever reads dead letters must not find it.
    headers.removeIf(header -> header.key().equals(EventHeaders.AUTHORIZATION));
    headers.add(EventHeaders.header(REASON, reason.reason().label()));
    headers.add(EventHeaders.header(MESSAGE, shortened(String.valueOf(reason.getMessage()))));
    headers.add(EventHeaders.header(TOPIC, record.topic()));
    headers.add(EventHeaders.header(PARTITION, Integer.toString(record.partition())));
    headers.add(EventHeaders.header(OFFSET, Long.toString(record.offset())));
    headers.add(EventHeaders.header(CONSUMER, consumer));
    String key = RecordLoop.text(record.key());
    publisher
        .publish(
            new ProducerRecord<>(
                Topics.deadLetters(record.topic()), null, key, record.value(), headers))
        .get(ANSWER_SECONDS, TimeUnit.SECONDS);
    counter(record.topic(), reason.reason()).increment();
    LOG.warn(
        "{} parked {}-{} at {} ({}): {}",
        consumer,
        record.topic(),
        record.partition(),
        record.offset(),
        reason.reason().label(),
        reason.getMessage());
  }

  private static String shortened(String message) {
    return message.substring(0, Math.min(message.length(), MESSAGE_LIMIT));
  }
}
