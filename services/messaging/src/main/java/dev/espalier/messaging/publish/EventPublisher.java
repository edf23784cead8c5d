package dev.espalier.messaging.publish;

import com.google.protobuf.Message;
import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.serde.EventHeaders;
import dev.espalier.messaging.serde.TopicContract;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.messaging.trace.TraceContext;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends messages to the topics and gives up on none because the broker is away.
 *
 * <p><b>Order</b>: messages with one key arrive in the order of {@link #publish}. <b>Delivery</b>:
 * each once as long as the producer lives; when its session with the broker breaks for good, a new
 * one sends all that was not acknowledged again, so a reader must know an event by its id.
 * <b>Failure</b>: an outage is waited out for as long as it takes, with the messages kept in
 * memory; only a message that the broker refuses for what it is (too large, not allowed) fails its
 * future.
 *
 * <p>The caller never waits for the broker: a thread of its own talks to it.
 */
public final class EventPublisher implements AutoCloseable {

  /** Telemetry beyond this many waiting messages is dropped. */
  private static final int ROOM = 10_000;

  /** How many messages may be on their way at once; bounds what a new producer must repeat. */
  private static final int IN_FLIGHT = 2_000;

  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);
  private static final long PAUSE_MS = 500;

  private static final Logger LOG = LoggerFactory.getLogger(EventPublisher.class);

  private record Outgoing(
      ProducerRecord<String, byte[]> record, CompletableFuture<Void> acknowledged) {}

  private final KafkaSettings kafka;
  private final String name;
  private final MeterRegistry metrics;
  private final Thread thread;

  // Guarded by this.
  private final Deque<Outgoing> waiting = new ArrayDeque<>();
  private final Deque<Outgoing> inFlight = new ArrayDeque<>();
  private boolean broken;
  private boolean closed;

  /**
   * @param name client id and name of the thread
   */
  public EventPublisher(KafkaSettings kafka, String name, MeterRegistry metrics) {
    this.kafka = kafka;
    this.name = name;
    this.metrics = metrics;
    metrics.gauge(
        "espalier.publisher.waiting.messages",
        Tags.of("pool", name),
        this,
        EventPublisher::unacknowledged);
    thread = new Thread(this::run, name + "-publisher");
    thread.setDaemon(true);
    thread.start();
  }

  /** Queues a message and returns at once; completes when the broker has acknowledged it. */
  public <M extends Message> CompletableFuture<Void> publish(
      TopicContract<M> contract, M message, TraceContext trace) {
    var record =
        new ProducerRecord<>(
            contract.topic(),
            null,
            contract.key().apply(message),
            contract.encode(message),
            EventHeaders.of(TopicContract.eventTypeOf(message), trace));
    return publish(record);
  }

  /** As {@link #publish}, but drops the message when too many wait: for telemetry. */
  public <M extends Message> void publishIfRoom(
      TopicContract<M> contract, M message, TraceContext trace) {
    if (unacknowledged() >= ROOM) {
      metrics.counter("espalier.telemetry.dropped", "topic", contract.topic()).increment();
      return;
    }
    publish(contract, message, trace);
  }

  /** Queues a record as it is, for dead letters. */
  public CompletableFuture<Void> publish(ProducerRecord<String, byte[]> record) {
    var outgoing = new Outgoing(record, new CompletableFuture<>());
    synchronized (this) {
      if (closed) {
        outgoing.acknowledged.completeExceptionally(
            new IllegalStateException("publisher " + name + " is closed"));
        return outgoing.acknowledged;
      }
      waiting.add(outgoing);
      notifyAll();
    }
    return outgoing.acknowledged;
  }

  /** Waits until all that was queued is acknowledged; false if the limit came first. */
  public boolean flush(Duration limit) {
    long deadline = System.nanoTime() + limit.toNanos();
    synchronized (this) {
      while (!waiting.isEmpty() || !inFlight.isEmpty()) {
        long leftMs = (deadline - System.nanoTime()) / 1_000_000;
        if (leftMs <= 0 || !pause(leftMs)) {
          return false;
        }
      }
      return true;
    }
  }

  /** Sends what is queued for a few seconds more, then gives up on the rest. */
  @Override
  public void close() {
    close(CLOSE_LIMIT);
  }

  /** As {@link #close()}, waiting for the broker no longer than the limit. */
  public void close(Duration limit) {
    flush(limit);
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    try {
      thread.join(CLOSE_LIMIT.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized int unacknowledged() {
    return waiting.size() + inFlight.size();
  }

  private void run() {
    while (awaitWork()) {
      try (var producer =
          new KafkaProducer<>(
              kafka.with(producerSettings()), new StringSerializer(), new ByteArraySerializer())) {
        sendWith(producer);
        producer.close(isBroken() ? Duration.ZERO : CLOSE_LIMIT);
      } catch (RuntimeException e) {
        LOG.warn("the producer of {} cannot work, trying another: {}", name, e.toString());
        synchronized (this) {
          pause(PAUSE_MS);
        }
      }
    }
    List<Outgoing> left = new ArrayList<>();
    synchronized (this) {
      left.addAll(inFlight);
      left.addAll(waiting);
      inFlight.clear();
      waiting.clear();
      notifyAll();
    }
    left.forEach(
        one ->
            one.acknowledged.completeExceptionally(
                new IllegalStateException(
                    "publisher " + name + " closed before the broker answered")));
  }

  /** Sends until closed or until this producer is of no more use. */
  private void sendWith(KafkaProducer<String, byte[]> producer) {
    synchronized (this) {
      broken = false;
      // What the last producer left open goes first, in its old order.
      while (!inFlight.isEmpty()) {
        waiting.addFirst(inFlight.removeLast());
      }
    }
    while (true) {
      Outgoing next;
      synchronized (this) {
        while (!closed && !broken && (waiting.isEmpty() || inFlight.size() >= IN_FLIGHT)) {
          pause(0);
        }
        if (closed || broken) {
          return;
        }
        next = waiting.removeFirst();
        inFlight.addLast(next);
      }
      send(producer, next);
    }
  }

  private void send(KafkaProducer<String, byte[]> producer, Outgoing outgoing) {
    try {
      producer.send(
          outgoing.record,
          (metadata, error) -> {
            if (error == null) {
              finish(outgoing, null);
            } else {
              failed(outgoing, error);
            }
          });
    } catch (KafkaException | IllegalStateException e) {
      failed(outgoing, e);
    }
  }

  private void failed(Outgoing outgoing, Exception error) {
    if (refused(error)) {
      LOG.error(
          "the broker refused a record for {}: {}", outgoing.record.topic(), error.toString());
      finish(outgoing, error);
      return;
    }
    synchronized (this) {
      if (!broken && !closed) {
        LOG.warn("{} sends again what is not acknowledged, because {}", name, error.toString());
      }
      broken = true;
      notifyAll();
    }
  }

  private void finish(Outgoing outgoing, Exception error) {
    synchronized (this) {
      inFlight.remove(outgoing);
      notifyAll();
    }
    if (error == null) {
      metrics.counter("espalier.messages.published", "topic", outgoing.record.topic()).increment();
      outgoing.acknowledged.complete(null);
    } else {
      outgoing.acknowledged.completeExceptionally(error);
    }
  }

  /** Whether the record itself is at fault, so that sending it again cannot help. */
  private static boolean refused(Exception error) {
    return error instanceof RecordTooLargeException
        || error instanceof SerializationException
        || error instanceof InvalidTopicException
        || (error instanceof AuthorizationException && error instanceof ApiException);
  }

  private Map<String, Object> producerSettings() {
    Map<String, Object> settings = new HashMap<>();
    settings.put("client.id", name);
    settings.put("acks", "all");
    settings.put("enable.idempotence", "true");
    settings.put("max.in.flight.requests.per.connection", "5");
    // Never give up on a batch: an outage may last longer than any limit.
    settings.put("retries", Integer.toString(Integer.MAX_VALUE));
    settings.put("delivery.timeout.ms", Integer.toString(Integer.MAX_VALUE));
    settings.put("request.timeout.ms", "10000");
    settings.put("max.block.ms", "10000");
    settings.put("reconnect.backoff.max.ms", "1000");
    settings.put("retry.backoff.max.ms", "1000");
    settings.put("linger.ms", "0");
    settings.put("max.request.size", Integer.toString(TopicAdmin.LARGEST_MESSAGE_BYTES));
    return settings;
  }

  /** A publisher that has nothing to say, as most dead-letter publishers, opens no connection. */
  private synchronized boolean awaitWork() {
    while (!closed && waiting.isEmpty() && inFlight.isEmpty()) {
      pause(0);
    }
    return !closed;
  }

  private synchronized boolean isBroken() {
    return broken;
  }

  /** Waits for news; 0 waits without limit. False if interrupted. Call with the lock held. */
  private boolean pause(long ms) {
    try {
      wait(ms);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
