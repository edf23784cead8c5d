package dev.espalier.messaging;

import java.util.HashMap;
import java.util.Map;

/**
 * Where the brokers are and how to talk to them.
 *
 * @param bootstrapServers host:port list
 * @param properties further client properties, for instance SASL and TLS; they win over ours
 */
public record KafkaSettings(String bootstrapServers, Map<String, String> properties) {

  public KafkaSettings {
    properties = Map.copyOf(properties);
  }

  public static KafkaSettings of(String bootstrapServers) {
    return new KafkaSettings(bootstrapServers, Map.of());
  }

  /** Client configuration: ours, then the user's on top. */
  public Map<String, Object> with(Map<String, Object> ours) {
    Map<String, Object> all = new HashMap<>(ours);
    all.put("bootstrap.servers", bootstrapServers);
    all.putAll(properties);
    return all;
  }
}
