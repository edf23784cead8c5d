package dev.espalier.messaging;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;

/**
 * Where the brokers are and how to talk to them.
 *
 * @param bootstrapServers host:port list
 * @param properties further client properties, for instance SASL and TLS; they win over ours
 */
public record KafkaSettings(String bootstrapServers, Map<String, String> properties) {

  private static final String PREFIX = "kafka.";

  public KafkaSettings {
    properties = Map.copyOf(properties);
  }

  public static KafkaSettings of(String bootstrapServers) {
    return new KafkaSettings(bootstrapServers, Map.of());
  }

  /**
   * Reads {@code kafka.bootstrap.servers} and every other setting with that prefix. Settings that
   * Kafka's clients know are looked up by name, because a variable such as {@code
   * KAFKA_SASL_JAAS_CONFIG} is listed under a name that does not say where its dots were.
   *
   * @param names of all settings there are
   * @param value of a setting, if it has one
   * @throws IllegalArgumentException if no brokers are named
   */
  public static KafkaSettings read(
      Iterable<String> names, Function<String, Optional<String>> value) {
    Set<String> wanted = new TreeSet<>();
    wanted.addAll(AdminClientConfig.configNames());
    wanted.addAll(ProducerConfig.configNames());
    wanted.addAll(ConsumerConfig.configNames());
    for (String name : names) {
      if (name.startsWith(PREFIX)) {
        wanted.add(name.substring(PREFIX.length()));
      }
    }
    Map<String, String> all = new HashMap<>();
    for (String name : wanted) {
      value.apply(PREFIX + name).ifPresent(text -> all.put(name, text));
    }
    String servers = all.remove("bootstrap.servers");
    if (servers == null || servers.isBlank()) {
      throw new IllegalArgumentException(
          "kafka.bootstrap.servers: expected host:port,host:port but found nothing");
    }
    return new KafkaSettings(servers, all);
  }

  /** Client configuration: ours, then the user's on top. */
  public Map<String, Object> with(Map<String, Object> ours) {
    Map<String, Object> all = new HashMap<>(ours);
    all.put("bootstrap.servers", bootstrapServers);
    all.putAll(properties);
    return all;
  }
}
