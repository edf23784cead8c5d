package dev.espalier.eventstore;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.process.Pace;
import dev.espalier.messaging.serde.EventHeaders;
import dev.espalier.messaging.topics.TopicAdmin;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import javax.sql.DataSource;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes appended events to Kafka.
 *
 * <p><b>Order</b>: rows go out by id, so one stream's events in the order of their versions.
 * <b>Delivery</b>: each row at least once, and once only unless the relay or Kafka's answer is lost
 * between Kafka's commit and the mark in the row; readers drop what they have seen. <b>Failure</b>:
 * outages of broker and database are waited out; nothing is marked published that Kafka has not
 * committed.
 *
 * <p>Any number of processes may run one. The one that holds the advisory lock publishes; it reads
 * rows only after it has taken over the transactional id, so that an older one that lost its lock
 * without knowing can commit nothing any more. It keeps one connection of the pool for itself.
 */
public final class Relay implements AutoCloseable {

  static final String TRANSACTIONAL_ID = "espalier-relay";

  /** Session lock of the publishing relay. */
  private static final long LOCK = 0x72656c6179L;

  private static final int BATCH = 500;

  /** Longest sleep without a wake-up: commits that are seen late, lost notifications. */
  private static final int POLL_MS = 500;

  private static final long STANDBY_MS = 500;
  private static final long PAUSE_MS = 500;
  private static final Duration COUNT_EVERY = Duration.ofSeconds(5);
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(20);

  private static final String TRY_LOCK = "select pg_try_advisory_lock(" + LOCK + ")";

  private static final String UNPUBLISHED =
      """
      select id, event_id, type, payload, topic, key, partition, traceparent, recorded_at
      from event
      where published_at is null
      order by id
      limit ?
      """;

  private static final String MARK =
      "update event set published_at = clock_timestamp() where id = any(?)";

  private static final String COUNT = "select count(*) from event where published_at is null";

  private static final Logger LOG = LoggerFactory.getLogger(Relay.class);

  /** Called between Kafka's answer to the records and its commit; for tests of taking over. */
  @FunctionalInterface
  interface BeforeCommit {
    void run() throws InterruptedException;
  }

  private record Row(long id, Instant recordedAt, ProducerRecord<String, byte[]> record) {}

  private final DataSource dataSource;
  private final KafkaSettings kafka;
  private final MeterRegistry metrics;
  private final BeforeCommit beforeCommit;
  private final Timer latency;
  private final Thread thread;

  private volatile boolean stopping;
  private volatile boolean publishing;
  private volatile long unpublished;
  private volatile String lastError;
  private long countedNanos;

  /**
   * @param dataSource may be a pool; its connections must unwrap to PostgreSQL's
   */
  public Relay(DataSource dataSource, KafkaSettings kafka, MeterRegistry metrics) {
    this(dataSource, kafka, metrics, () -> {});
  }

  Relay(
      DataSource dataSource,
      KafkaSettings kafka,
      MeterRegistry metrics,
      BeforeCommit beforeCommit) {
    this.dataSource = dataSource;
    this.kafka = kafka;
    this.metrics = metrics;
    this.beforeCommit = beforeCommit;
    latency =
        Timer.builder("espalier.outbox.publish.latency")
            .publishPercentileHistogram()
            .minimumExpectedValue(Duration.ofMillis(1))
            .maximumExpectedValue(Duration.ofSeconds(30))
            .register(metrics);
    metrics.gauge("espalier.outbox.unpublished.rows", this, relay -> relay.unpublished);
    metrics.gauge("espalier.relay.publishing", this, relay -> relay.publishing ? 1 : 0);
    thread = new Thread(this::run, "relay");
    thread.setDaemon(true);
  }

  public void start() {
    thread.start();
  }

  public RelayHealth health() {
    return new RelayHealth(
        thread.isAlive(), publishing, unpublished, Optional.ofNullable(lastError));
  }

  /** Finishes the batch at hand and lets another relay take over. */
  @Override
  public void close() {
    stopping = true;
    try {
      thread.join(CLOSE_LIMIT.toMillis());
      if (thread.isAlive()) {
        thread.interrupt();
        thread.join(CLOSE_LIMIT.toMillis());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    while (!stopping) {
      try (Connection connection = dataSource.getConnection()) {
        connection.setAutoCommit(true);
        try {
          count(connection);
          if (lock(connection)) {
            publishWhileLocked(connection);
          } else {
            recovered();
            sleep(STANDBY_MS);
          }
        } finally {
          publishing = false;
          release(connection);
        }
      } catch (SQLException | ExecutionException | RuntimeException e) {
        trouble(e);
        sleep(PAUSE_MS);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private static boolean lock(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(TRY_LOCK)) {
      row.next();
      return row.getBoolean(1);
    }
  }

  /** A pool would hand the session on with lock and subscription. */
  private void release(Connection connection) {
    try (Statement statement = connection.createStatement()) {
      statement.execute("unlisten *");
      statement.execute("select pg_advisory_unlock_all()");
    } catch (SQLException e) {
      LOG.debug("the relay's session is gone: {}", e.toString());
    }
  }

  private void publishWhileLocked(Connection connection)
      throws SQLException, ExecutionException, InterruptedException {
    PGConnection session = connection.unwrap(PGConnection.class);
    try (Statement statement = connection.createStatement()) {
      statement.execute("listen " + EventStore.CHANNEL);
    }
    try (var producer =
        new KafkaProducer<>(
            kafka.with(producerSettings()), new StringSerializer(), new ByteArraySerializer())) {
      try {
        // Ends what a predecessor left open and fences it; only now may rows be read.
        producer.initTransactions();
        LOG.info("this relay publishes");
        publishing = true;
        while (!stopping) {
          long began = System.nanoTime();
          int published = publishBatch(connection, producer);
          recovered();
          if (published < BATCH) {
            unpublished = 0;
          } else {
            count(connection);
          }
          if (published < BATCH && !stopping) {
            if (published > 0) {
              Pace.OF_EVENTS.rest(began);
            }
            session.getNotifications(POLL_MS);
          }
        }
      } finally {
        // A graceful end has nothing open; after an error waiting would help nobody.
        producer.close(Duration.ofSeconds(stopping ? 5 : 0));
      }
    }
  }

  private int publishBatch(Connection connection, KafkaProducer<String, byte[]> producer)
      throws SQLException, ExecutionException, InterruptedException {
    List<Row> rows = unpublished(connection);
    if (rows.isEmpty()) {
      return 0;
    }
    producer.beginTransaction();
    List<Future<RecordMetadata>> sent = new ArrayList<>(rows.size());
    for (Row row : rows) {
      sent.add(producer.send(row.record()));
    }
    producer.flush();
    for (Future<RecordMetadata> one : sent) {
      one.get();
    }
    beforeCommit.run();
    producer.commitTransaction();
    mark(connection, rows);
    Instant now = Instant.now();
    for (Row row : rows) {
      Duration took = Duration.between(row.recordedAt(), now);
      latency.record(took.isNegative() ? Duration.ZERO : took);
      metrics.counter("espalier.outbox.published", "topic", row.record().topic()).increment();
    }
    return rows.size();
  }

  private static List<Row> unpublished(Connection connection) throws SQLException {
    List<Row> rows = new ArrayList<>();
    try (PreparedStatement select = connection.prepareStatement(UNPUBLISHED)) {
      select.setInt(1, BATCH);
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          rows.add(
              new Row(
                  row.getLong("id"),
                  row.getTimestamp("recorded_at").toInstant(),
                  new ProducerRecord<>(
                      row.getString("topic"),
                      row.getObject("partition", Integer.class),
                      row.getString("key"),
                      row.getBytes("payload"),
                      EventHeaders.of(row.getString("type"), row.getString("traceparent")))));
        }
      }
    }
    return rows;
  }

  private static void mark(Connection connection, List<Row> rows) throws SQLException {
    try (PreparedStatement update = connection.prepareStatement(MARK)) {
      Array ids = connection.createArrayOf("bigint", rows.stream().map(Row::id).toArray());
      update.setArray(1, ids);
      update.executeUpdate();
    }
  }

  /** A backlog is seen while it lasts, also by a relay that waits for the broker. */
  private void count(Connection connection) throws SQLException {
    if (countedNanos != 0 && System.nanoTime() - countedNanos < COUNT_EVERY.toNanos()) {
      return;
    }
    countedNanos = System.nanoTime();
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(COUNT)) {
      row.next();
      unpublished = row.getLong(1);
    }
  }

  private void trouble(Exception error) {
    String message = error.toString();
    if (!message.equals(lastError)) {
      LOG.warn("the relay waits and tries again: {}", message);
    }
    lastError = message;
  }

  private void recovered() {
    if (lastError != null) {
      LOG.info("the relay goes on");
      lastError = null;
    }
  }

  private static Map<String, Object> producerSettings() {
    Map<String, Object> settings = new HashMap<>();
    settings.put("client.id", TRANSACTIONAL_ID);
    settings.put("transactional.id", TRANSACTIONAL_ID);
    settings.put("acks", "all");
    settings.put("enable.idempotence", "true");
    settings.put("linger.ms", "0");
    // A transaction of a relay that died holds up readers for no longer than this.
    settings.put("transaction.timeout.ms", "15000");
    settings.put("delivery.timeout.ms", "8000");
    settings.put("request.timeout.ms", "4000");
    settings.put("max.block.ms", "5000");
    settings.put("reconnect.backoff.max.ms", "1000");
    settings.put("retry.backoff.max.ms", "1000");
    settings.put("max.request.size", Integer.toString(TopicAdmin.LARGEST_MESSAGE_BYTES));
    return settings;
  }

  private static void sleep(long ms) {
    try {
      Thread.sleep(ms);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
