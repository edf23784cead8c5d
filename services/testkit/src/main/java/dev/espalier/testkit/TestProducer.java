package dev.espalier.testkit;

import com.google.protobuf.Message;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Sends records, waiting for each to be acknowledged. */
public final class TestProducer implements AutoCloseable {

  private final KafkaProducer<String, byte[]> producer;

  public TestProducer(String bootstrapServers) {
    this(bootstrapServers, Map.of());
  }

  /**
   * @param settings of the client, that win over ours
   */
  public TestProducer(String bootstrapServers, Map<String, Object> settings) {
    Map<String, Object> all = new HashMap<>();
    all.put("bootstrap.servers", bootstrapServers);
    all.put("acks", "all");
    all.put("linger.ms", "0");
    all.putAll(settings);
    producer = new KafkaProducer<>(all, new StringSerializer(), new ByteArraySerializer());
  }

  public RecordMetadata send(String topic, String key, Message message) {
    return send(topic, null, key, message);
  }

  /** Sends to a partition; null leaves it to the key. */
  public RecordMetadata send(String topic, Integer partition, String key, Message message) {
    var record = new ProducerRecord<>(topic, partition, key, message.toByteArray());
    if (!message.getDescriptorForType().getRealOneofs().isEmpty()) {
      var set =
          message.getOneofFieldDescriptor(message.getDescriptorForType().getRealOneofs().get(0));
      if (set != null) {
        record.headers().add("event-type", set.getName().getBytes(StandardCharsets.UTF_8));
      }
    }
    return send(record);
  }

  /** Sends bytes as they are. */
  public RecordMetadata send(String topic, String key, byte[] value) {
    return send(new ProducerRecord<>(topic, null, key, value));
  }

  private RecordMetadata send(ProducerRecord<String, byte[]> record) {
    try {
      return producer.send(record).get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("not sent to " + record.topic(), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  @Override
  public void close() {
    producer.close();
  }
}
