package dev.espalier.messaging.topics;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.schemas.Topics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.CreateTopicsOptions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Creates the topics. */
public final class TopicAdmin {

  /** What a topic takes; events are far smaller, a sweep of many cells comes near 1 MB. */
  public static final int LARGEST_MESSAGE_BYTES = 4 * 1024 * 1024;

  /** Partitions of every topic but the commands': the most scheduler replicas that share work. */
  private static final int PARTITIONS = 8;

  /** Less than the inbox remembers, so that nothing comes again as new. */
  private static final Duration RETENTION = Duration.ofDays(7);

  /** Telemetry is in PostgreSQL long before. */
  private static final Duration METRICS_RETENTION = Duration.ofDays(1);

  private static final Duration DEAD_LETTER_RETENTION = Duration.ofDays(30);

  private static final int ANSWER_MS = 5_000;
  private static final long PAUSE_MS = 250;

  private static final Logger LOG = LoggerFactory.getLogger(TopicAdmin.class);

  private TopicAdmin() {}

  /**
   * Waits for the broker and creates every topic and its dead-letter topic that is not there yet,
   * with the broker's default of copies. Any number of processes may do so at once.
   *
   * @throws IllegalStateException if no broker answered in time, naming it
   */
  public static void createAll(KafkaSettings kafka, Duration limit) {
    long deadline = System.nanoTime() + limit.toNanos();
    Exception last = null;
    while (System.nanoTime() < deadline) {
      try (Admin admin = Admin.create(kafka.with(clientSettings()))) {
        createMissing(admin);
        return;
      } catch (ExecutionException | TimeoutException | RuntimeException e) {
        last = e;
        if (!passing(e)) {
          break;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for the broker", e);
      }
      pause();
    }
    throw new IllegalStateException(
        "expected a broker at " + kafka.bootstrapServers() + " within " + limit + " but: " + last,
        last);
  }

  /** Every topic and its dead-letter topic, with the broker's default of copies. */
  public static List<NewTopic> topics() {
    List<NewTopic> topics = new ArrayList<>();
    for (String name : Topics.ALL) {
      topics.add(topic(name));
      topics.add(topic(Topics.deadLetters(name), 1, DEAD_LETTER_RETENTION));
    }
    return topics;
  }

  private static Map<String, Object> clientSettings() {
    return Map.of(
        "client.id", "espalier-topics",
        "request.timeout.ms", ANSWER_MS,
        "default.api.timeout.ms", ANSWER_MS);
  }

  private static void createMissing(Admin admin)
      throws ExecutionException, InterruptedException, TimeoutException {
    Set<String> there = admin.listTopics().names().get(ANSWER_MS, TimeUnit.MILLISECONDS);
    List<NewTopic> missing =
        topics().stream().filter(topic -> !there.contains(topic.name())).toList();
    if (missing.isEmpty()) {
      return;
    }
    var created = admin.createTopics(missing, new CreateTopicsOptions().timeoutMs(ANSWER_MS));
    for (var topic : created.values().entrySet()) {
      try {
        topic.getValue().get(ANSWER_MS, TimeUnit.MILLISECONDS);
        LOG.info("created topic {}", topic.getKey());
      } catch (ExecutionException e) {
        if (!(e.getCause() instanceof TopicExistsException)) {
          throw e;
        }
      }
    }
  }

  private static NewTopic topic(String name) {
    return switch (name) {
      case Topics.STAGE_COMMANDS -> topic(name, Topics.STAGE_COMMAND_PARTITIONS, RETENTION);
      case Topics.STAGE_METRICS -> topic(name, PARTITIONS, METRICS_RETENTION);
      default -> topic(name, PARTITIONS, RETENTION);
    };
  }

  private static NewTopic topic(String name, int partitions, Duration retention) {
    return new NewTopic(name, Optional.of(partitions), Optional.empty())
        .configs(
            Map.of(
                "retention.ms", Long.toString(retention.toMillis()),
                "max.message.bytes", Integer.toString(LARGEST_MESSAGE_BYTES)));
  }

  private static boolean passing(Exception e) {
    return e instanceof TimeoutException
        || e instanceof RetriableException
        || e.getCause() instanceof RetriableException;
  }

  private static void pause() {
    try {
      Thread.sleep(PAUSE_MS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
