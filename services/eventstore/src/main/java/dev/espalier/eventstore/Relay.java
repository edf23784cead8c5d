package dev.espalier.eventstore;

import dev.espalier.messaging.KafkaSettings;
import dev.espalier.messaging.trace.TraceContext;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.nio.charset.StandardCharsets;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import javax.sql.DataSource;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes what the event table holds and Kafka does not have yet.
 *
 * <p><b>Order</b>: by id, so that a stream's versions leave in order; a stream's next version is
 * only appended once the one before is committed and visible here. Rows are found by not being
 * published, never by an id above a cursor, because ids are taken before commit. <b>One at a
 * time</b>: the relay that publishes holds a session's advisory lock; its producer has a fixed
 * transactional id, so a successor fences a predecessor that only seems dead. <b>Delivery</b>: a
 * batch is one Kafka transaction and is marked published after its commit; a crash in between
 * publishes it again, which consumers see by event id and stream version. <b>Failure</b>: an outage
 * of the broker or the database is waited out.
 */
public final class Relay implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Relay.class);

  private static final long LOCK = 0x65737061_72656c79L;
  private static final String TRANSACTIONAL_ID = "espalier-relay";
  private static final int BATCH = 500;
  private static final int POLL_MILLIS = 250;
  private static final Duration STAND_BY = Duration.ofMillis(500);
  private static final Duration COUNT_EVERY = Duration.ofSeconds(2);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);

  private static final String UNPUBLISHED =
      """
      select id, event_id, type, payload, topic, key, partition, traceparent,
             extract(epoch from clock_timestamp() - recorded_at) as age_seconds
        from event
       where published_at is null
       order by id
       limit ?
      """;

  private static final String MARK =
      "update event set published_at = clock_timestamp() where id = any (?)";

  private static final String COUNT = "select count(*) from event where published_at is null";

  private final DataSource dataSource;
  private final KafkaSettings kafka;
  private final Timer delay;
  private final Thread thread = new Thread(this::run, "relay");

  private volatile boolean stopping;
  private volatile boolean publishing;
  private volatile long unpublished;
  private volatile String lastError;

  public Relay(DataSource dataSource, KafkaSettings kafka, MeterRegistry metrics) {
    this.dataSource = dataSource;
    this.kafka = kafka;
    this.delay =
        Timer.builder("espalier_relay_delay")
            .description("From the append of an event to its commit on Kafka")
            .publishPercentileHistogram()
            .register(metrics);
    Gauge.builder("espalier_relay_unpublished_events", () -> unpublished)
        .description("Events that wait for their publication, where this replica is the relay")
        .register(metrics);
    Gauge.builder("espalier_relay_publishing", () -> publishing ? 1 : 0)
        .description("1 where this replica holds the relay's lock")
        .register(metrics);
    thread.setDaemon(true);
  }

  public void start() {
    thread.start();
  }

  public RelayHealth health() {
    return new RelayHealth(
        thread.isAlive(), publishing, unpublished, Optional.ofNullable(lastError));
  }

  /** Stops after the batch at hand; another replica's relay takes over. */
  @Override
  public void close() {
    stopping = true;
    try {
      thread.join(5_000);
      if (thread.isAlive()) {
        thread.interrupt();
        thread.join(5_000);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    long pause = 100;
    while (!stopping) {
      try {
        standByAndPublish();
        pause = 100;
      } catch (SQLException | KafkaException | ExecutionException e) {
        if (stopping) {
          return;
        }
        String error = String.valueOf(e.getMessage());
        if (!error.equals(lastError)) {
          LOG.warn("The relay waits: {}", error);
        }
        lastError = error;
        pause = Math.min(pause * 2, LONGEST_PAUSE.toMillis());
        if (!sleep(pause)) {
          return;
        }
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        LOG.error("The relay met an error that it does not know, and tries again", e);
        lastError = String.valueOf(e);
        if (!sleep(LONGEST_PAUSE.toMillis())) {
          return;
        }
      } finally {
        publishing = false;
      }
    }
  }

  /** Ends by an exception, or when asked to stop; the lock goes with the session. */
  private void standByAndPublish() throws SQLException, ExecutionException, InterruptedException {
    try (Connection connection = dataSource.getConnection()) {
      connection.setAutoCommit(true);
      while (!tryLock(connection)) {
        lastError = null;
        if (stopping || !sleep(STAND_BY.toMillis())) {
          return;
        }
      }
      try {
        execute(connection, "listen " + EventStore.CHANNEL);
        publishUntilStopped(connection);
      } finally {
        unlock(connection);
      }
    }
  }

  private void publishUntilStopped(Connection connection)
      throws SQLException, ExecutionException, InterruptedException {
    // Without the acknowledgement of its fencing, nothing may be sent: the predecessor may live.
    KafkaProducer<String, byte[]> producer = new KafkaProducer<>(producerSettings());
    try {
      producer.initTransactions();
      publishing = true;
      lastError = null;
      LOG.info("This replica relays events");
      PGConnection notifications = connection.unwrap(PGConnection.class);
      long countAt = 0;
      while (!stopping) {
        int published = publishBatch(connection, producer);
        lastError = null;
        if (System.nanoTime() >= countAt) {
          unpublished = count(connection);
          countAt = System.nanoTime() + COUNT_EVERY.toNanos();
        }
        if (published < BATCH) {
          notifications.getNotifications(POLL_MILLIS);
        }
      }
    } finally {
      // A transaction that is still open ends when the next relay fences this one.
      producer.close(Duration.ofSeconds(1));
    }
  }

  private record Row(long id, ProducerRecord<String, byte[]> message, double ageSeconds) {}

  private int publishBatch(Connection connection, KafkaProducer<String, byte[]> producer)
      throws SQLException, ExecutionException, InterruptedException {
    List<Row> rows = unpublished(connection);
    if (rows.isEmpty()) {
      return 0;
    }
    long started = System.nanoTime();
    producer.beginTransaction();
    List<Future<RecordMetadata>> sent = new ArrayList<>(rows.size());
    for (Row row : rows) {
      sent.add(producer.send(row.message()));
    }
    for (Future<RecordMetadata> acknowledged : sent) {
      acknowledged.get();
    }
    producer.commitTransaction();
    mark(connection, rows);
    double took = (System.nanoTime() - started) / 1e9;
    for (Row row : rows) {
      delay.record(Duration.ofNanos((long) ((row.ageSeconds() + took) * 1e9)));
    }
    return rows.size();
  }

  private static List<Row> unpublished(Connection connection) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(UNPUBLISHED)) {
      select.setInt(1, BATCH);
      try (ResultSet row = select.executeQuery()) {
        List<Row> rows = new ArrayList<>();
        while (row.next()) {
          ProducerRecord<String, byte[]> message =
              new ProducerRecord<>(
                  row.getString("topic"),
                  row.getObject("partition", Integer.class),
                  row.getString("key"),
                  row.getBytes("payload"));
          header(message, "event-type", row.getString("type"));
          header(message, TraceContext.HEADER, row.getString("traceparent"));
          rows.add(new Row(row.getLong("id"), message, row.getDouble("age_seconds")));
        }
        return rows;
      }
    }
  }

  private static void header(ProducerRecord<String, byte[]> message, String name, String value) {
    if (value != null) {
      message.headers().add(name, value.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static void mark(Connection connection, List<Row> rows) throws SQLException {
    Array ids = connection.createArrayOf("bigint", rows.stream().map(Row::id).toArray());
    try (PreparedStatement update = connection.prepareStatement(MARK)) {
      update.setArray(1, ids);
      update.executeUpdate();
    }
  }

  private static long count(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(COUNT)) {
      row.next();
      return row.getLong(1);
    }
  }

  private static boolean tryLock(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select pg_try_advisory_lock(" + LOCK + ")")) {
      row.next();
      return row.getBoolean(1);
    }
  }

  /** The connection may go back to a pool, so it must not take the lock along. */
  private static void unlock(Connection connection) {
    try {
      execute(connection, "unlisten " + EventStore.CHANNEL);
      execute(connection, "select pg_advisory_unlock(" + LOCK + ")");
    } catch (SQLException e) {
      LOG.debug("The lock went with its session", e);
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private Map<String, Object> producerSettings() {
    return kafka.with(
        Map.of(
            "transactional.id", TRANSACTIONAL_ID,
            "transaction.timeout.ms", 30_000,
            "delivery.timeout.ms", 20_000,
            "request.timeout.ms", 5_000,
            "max.block.ms", 10_000,
            "linger.ms", 0,
            "reconnect.backoff.max.ms", 500,
            "compression.type", "none",
            "key.serializer", StringSerializer.class,
            "value.serializer", ByteArraySerializer.class));
  }

  /** False where the relay is to stop. */
  private boolean sleep(long millis) {
    try {
      Thread.sleep(millis);
      return !stopping;
    } catch (InterruptedException | InterruptException e) {
      return false;
    }
  }
}
