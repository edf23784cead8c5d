package dev.espalier.scheduler.deadletters;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.serde.EventHeaders;
import dev.espalier.schemas.Topics;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Reads the dead-letter topics, and sends a letter where it came from. */
final class DeadLetterTopics {

  private static final String OURS = "dlq-";
  private static final Duration ANSWER = Duration.ofSeconds(10);
  private static final Duration POLL = Duration.ofMillis(250);

  private final KafkaSettings kafka;

  DeadLetterTopics(KafkaSettings kafka) {
    this.kafka = kafka;
  }

  /**
   * The latest letters of every partition of every topic.
   *
   * @param most of one partition
   */
  void latest(int most, BiConsumer<DeadLetter, ConsumerRecord<String, byte[]>> reader) {
    try (KafkaConsumer<String, byte[]> consumer = consumer()) {
      Map<TopicPartition, String> sources = new HashMap<>();
      for (String topic : Topics.ALL) {
        consumer
            .partitionsFor(Topics.deadLetters(topic), ANSWER)
            .forEach(at -> sources.put(new TopicPartition(at.topic(), at.partition()), topic));
      }
      Map<TopicPartition, Long> ends = consumer.endOffsets(sources.keySet(), ANSWER);
      Map<TopicPartition, Long> beginnings = consumer.beginningOffsets(sources.keySet(), ANSWER);
      List<TopicPartition> filled =
          sources.keySet().stream().filter(at -> ends.get(at) > beginnings.get(at)).toList();
      consumer.assign(filled);
      filled.forEach(at -> consumer.seek(at, Math.max(beginnings.get(at), ends.get(at) - most)));
      long deadline = System.nanoTime() + ANSWER.toNanos();
      while (filled.stream().anyMatch(at -> consumer.position(at, ANSWER) < ends.get(at))) {
        if (System.nanoTime() > deadline) {
          throw new IllegalStateException(
              "expected all dead letters from the broker within " + ANSWER);
        }
        for (ConsumerRecord<String, byte[]> record : consumer.poll(POLL)) {
          String topic = sources.get(new TopicPartition(record.topic(), record.partition()));
          reader.accept(letter(topic, record), record);
        }
      }
    }
  }

  /** Empty if nothing lies there, or no longer. */
  Optional<ConsumerRecord<String, byte[]>> find(String topic, int partition, long offset) {
    try (KafkaConsumer<String, byte[]> consumer = consumer()) {
      TopicPartition at = new TopicPartition(Topics.deadLetters(topic), partition);
      boolean there =
          consumer.partitionsFor(at.topic(), ANSWER).stream()
              .anyMatch(known -> known.partition() == partition);
      if (!there
          || consumer.endOffsets(List.of(at), ANSWER).get(at) <= offset
          || consumer.beginningOffsets(List.of(at), ANSWER).get(at) > offset) {
        return Optional.empty();
      }
      consumer.assign(List.of(at));
      consumer.seek(at, offset);
      long deadline = System.nanoTime() + ANSWER.toNanos();
      while (System.nanoTime() < deadline) {
        for (ConsumerRecord<String, byte[]> record : consumer.poll(POLL)) {
          return record.offset() == offset ? Optional.of(record) : Optional.empty();
        }
      }
      return Optional.empty();
    }
  }

  static DeadLetter letter(String topic, ConsumerRecord<String, byte[]> record) {
    return new DeadLetter(
        topic,
        record.partition(),
        record.offset(),
        Instant.ofEpochMilli(record.timestamp()),
        record.key(),
        text(record, EventHeaders.EVENT_TYPE),
        text(record, OURS + "reason"),
        text(record, OURS + "message"),
        text(record, OURS + "consumer"),
        record.value() == null ? 0 : record.value().length);
  }

  private static String text(ConsumerRecord<String, byte[]> record, String header) {
    String text = EventHeaders.text(record.headers(), header);
    return text == null ? "" : text;
  }

  /**
   * The record as its sender sent it, less its token, which is kept nowhere. A command for a worker
   * goes to that worker's partition, anything else where its key leads.
   */
  void sendBack(String topic, ConsumerRecord<String, byte[]> record) {
    List<Header> headers = new ArrayList<>();
    record
        .headers()
        .forEach(
            header -> {
              if (!header.key().startsWith(OURS)) {
                headers.add(header);
              }
            });
    Integer partition =
        topic.equals(Topics.STAGE_COMMANDS)
            ? Integer.valueOf(text(record, OURS + "partition"))
            : null;
    Map<String, Object> settings =
        Map.of(
            "acks",
            "all",
            "delivery.timeout.ms",
            "10000",
            "request.timeout.ms",
            "5000",
            "max.block.ms",
            "10000");
    try (var producer =
        new KafkaProducer<>(
            kafka.with(settings), new StringSerializer(), new ByteArraySerializer())) {
      producer
          .send(new ProducerRecord<>(topic, partition, record.key(), record.value(), headers))
          .get(ANSWER.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("expected the broker to take the record back on " + topic, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private KafkaConsumer<String, byte[]> consumer() {
    return new KafkaConsumer<>(
        kafka.with(
            Map.of(
                "auto.offset.reset",
                "earliest",
                "enable.auto.commit",
                "false",
                "isolation.level",
                "read_committed")),
        new StringDeserializer(),
        new ByteArrayDeserializer());
  }
}
