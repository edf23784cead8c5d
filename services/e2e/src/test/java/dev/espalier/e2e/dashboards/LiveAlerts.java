package dev.espalier.e2e.dashboards;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.e2e.survival.Installation;
import dev.espalier.schemas.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Breaks a running installation in four ways and waits until each is raised at Alertmanager, and
 * those that pass are cleared. The rules are the repository's with shorter durations; {@code
 * RulesTest} tests the real ones.
 */
final class LiveAlerts {

  private static final String DEAD_LETTER = "EspalierDeadLetter";
  private static final String WORKER_LOST = "EspalierWorkerLost";
  private static final String NO_RELAY = "EspalierNoRelay";
  private static final String OUTBOX_STUCK = "EspalierOutboxStuck";
  private static final String BROKER_UNREACHABLE = "EspalierBrokerUnreachable";

  /** Of {@code dev.espalier.eventstore.Relay}. */
  private static final long RELAY_LOCK = 0x72656c6179L;

  private static final Duration WITHIN = Duration.ofMinutes(2);

  private final Installation espalier;
  private final Prometheus prometheus;
  private final Alertmanager alertmanager;

  LiveAlerts(Installation espalier, Prometheus prometheus, Alertmanager alertmanager) {
    this.espalier = espalier;
    this.prometheus = prometheus;
    this.alertmanager = alertmanager;
  }

  /** The rules with each {@code for} of 30 s or a minute as 2 s, and an outbox stuck after 3 s. */
  static Path impatientRules(Path directory) throws IOException {
    String rules =
        Files.readString(Installation.root().resolve("deploy/prometheus/rules/espalier.yml"))
            .replaceAll("for: (30s|1m)\n", "for: 2s\n")
            .replace("outbox_oldest_age_seconds) > 30\"", "outbox_oldest_age_seconds) > 3\"");
    assertThat(rules).contains("for: 2s\n", "outbox_oldest_age_seconds) > 3\"");
    Files.createDirectories(directory);
    return Files.writeString(directory.resolve("espalier.yml"), rules);
  }

  /**
   * @param sweep whose events the relay cannot publish
   */
  void raiseAll(String sweep) throws Exception {
    // A counter that has risen before it was first scraped has not risen for the rules.
    for (String counter : List.of("espalier_dead_letters_total", "espalier_workers_lost_total")) {
      espalier.await(counter + " is scraped", WITHIN, () -> !prometheus.range(counter).isEmpty());
    }
    for (String passing : List.of(NO_RELAY, OUTBOX_STUCK, BROKER_UNREACHABLE)) {
      awaitCleared(passing);
    }
    assertThat(alertmanager.raised()).doesNotContain(DEAD_LETTER, WORKER_LOST);

    espalier.kill("trainer-1");
    deadLetter();
    awaitRaised(DEAD_LETTER);
    try (Connection holder = relayTaken()) {
      espalier.post("/sweeps", sweep);
      awaitRaised(NO_RELAY);
      awaitRaised(OUTBOX_STUCK);
      assertThat(holder.isValid(5)).as("the relay's lock was held all along").isTrue();
    }
    awaitRaised(WORKER_LOST);
    awaitCleared(NO_RELAY);
    awaitCleared(OUTBOX_STUCK);

    long broker = espalier.pid("broker");
    signal("STOP", broker);
    try {
      awaitRaised(BROKER_UNREACHABLE);
    } finally {
      signal("CONT", broker);
    }
    awaitCleared(BROKER_UNREACHABLE);
  }

  private void deadLetter() throws Exception {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", espalier.state().path("kafka").asText());
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      byte[] garbage = {1, 2, 3};
      producer.send(new ProducerRecord<>(Topics.STAGE_REPORTS, garbage, garbage)).get();
    }
  }

  /** Whoever publishes loses its session, and a stranger holds its lock until it is closed. */
  private Connection relayTaken() throws Exception {
    Connection holder = DriverManager.getConnection(espalier.state().path("jdbc").asText());
    espalier.await(
        "the relay's lock is taken",
        Duration.ofSeconds(30),
        () -> {
          try (Statement statement = holder.createStatement()) {
            statement.execute(
                """
                select pg_terminate_backend(pid) from pg_locks
                where locktype = 'advisory' and granted and pid <> pg_backend_pid()
                  and (classid::bigint << 32) + objid::bigint = %d"""
                    .formatted(RELAY_LOCK));
            try (ResultSet row =
                statement.executeQuery("select pg_try_advisory_lock(" + RELAY_LOCK + ")")) {
              return row.next() && row.getBoolean(1);
            }
          }
        });
    return holder;
  }

  private static void signal(String name, long pid) throws IOException, InterruptedException {
    int exit = new ProcessBuilder("kill", "-" + name, Long.toString(pid)).start().waitFor();
    assertThat(exit).isZero();
  }

  private void awaitRaised(String alert) {
    long start = System.nanoTime();
    espalier.await(alert + " is raised", WITHIN, () -> alertmanager.raised().contains(alert));
    System.out.printf("%s raised after %.0f s%n", alert, (System.nanoTime() - start) / 1e9);
  }

  private void awaitCleared(String alert) {
    espalier.await(alert + " is cleared", WITHIN, () -> !alertmanager.raised().contains(alert));
  }
}
