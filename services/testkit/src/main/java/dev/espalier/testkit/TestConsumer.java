package dev.espalier.testkit;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Gathers what is committed to a topic, from its beginning or its end, until closed. */
public final class TestConsumer implements AutoCloseable {

  private static final Duration POLL = Duration.ofMillis(50);

  private final KafkaConsumer<String, byte[]> consumer;
  private final List<ConsumerRecord<String, byte[]>> records = new CopyOnWriteArrayList<>();
  private final Thread thread;
  private volatile boolean closed;

  private TestConsumer(String bootstrapServers, String topic, boolean fromBeginning) {
    consumer =
        new KafkaConsumer<>(
            Map.of(
                "bootstrap.servers", bootstrapServers,
                "isolation.level", "read_committed",
                "auto.offset.reset", "earliest",
                "reconnect.backoff.max.ms", "500",
                "fetch.max.wait.ms", "50"),
            new StringDeserializer(),
            new ByteArrayDeserializer());
    List<TopicPartition> partitions =
        consumer.partitionsFor(topic).stream()
            .map(info -> new TopicPartition(topic, info.partition()))
            .toList();
    consumer.assign(partitions);
    if (fromBeginning) {
      consumer.seekToBeginning(partitions);
    } else {
      consumer.endOffsets(partitions).forEach(consumer::seek);
    }
    thread = new Thread(this::run, "test-consumer-" + topic);
    thread.setDaemon(true);
    thread.start();
  }

  public static TestConsumer fromBeginning(String bootstrapServers, String topic) {
    return new TestConsumer(bootstrapServers, topic, true);
  }

  /** Sees only what is sent after this returned. */
  public static TestConsumer fromNow(String bootstrapServers, String topic) {
    return new TestConsumer(bootstrapServers, topic, false);
  }

  /** All records so far, in order within each partition. */
  public List<ConsumerRecord<String, byte[]>> records() {
    return List.copyOf(records);
  }

  /** All messages so far that fit. */
  public <M extends Message> List<M> messages(Parser<M> parser, Predicate<M> wanted) {
    return records.stream().map(record -> parse(parser, record)).filter(wanted).toList();
  }

  @Override
  public void close() {
    closed = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    try (consumer) {
      while (!closed) {
        try {
          consumer.poll(POLL).forEach(records::add);
        } catch (KafkaException e) {
          // The broker is away; tests do that.
        }
      }
    }
  }

  private static <M> M parse(Parser<M> parser, ConsumerRecord<String, byte[]> record) {
    try {
      return parser.parseFrom(record.value());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("unexpected bytes at " + record.offset(), e);
    }
  }
}
