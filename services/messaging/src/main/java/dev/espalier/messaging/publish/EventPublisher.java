package dev.espalier.messaging.publish;

import com.google.protobuf.Message;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.trace.TraceContext;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

public final class EventPublisher implements AutoCloseable {

  public EventPublisher(KafkaSettings kafka, String name, MeterRegistry metrics) {}

  /** Queues a message and returns at once; completes when the broker has acknowledged it. */
  public <M extends Message> CompletableFuture<Void> publish(
      TopicContract<M> contract, M message, TraceContext trace) {
    throw new UnsupportedOperationException();
  }

  /** As {@link #publish}, but drops the message when too many wait: for telemetry. */
  public <M extends Message> void publishIfRoom(
      TopicContract<M> contract, M message, TraceContext trace) {
    throw new UnsupportedOperationException();
  }

  /** Waits until all that was queued is acknowledged; false if the limit came first. */
  public boolean flush(Duration limit) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {}
}
