package dev.espalier.scheduler.assignment;

import dev.espalier.messaging.consume.StopReading;
import dev.espalier.messaging.process.Pace;
import dev.espalier.scheduler.stream.AssignmentSignal;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import javax.sql.DataSource;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the {@link Assigner} whenever {@link AssignmentSignal} wakes it, and on a tick besides, for
 * what becomes due with time, as {@link CapWatch} and {@link Preemptor} do. Rides out a database
 * outage.
 */
public final class AssignmentLoop implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(AssignmentLoop.class);
  private static final int TICK_MS = 250;
  private static final Duration PAUSE_AFTER_ERROR = Duration.ofMillis(500);

  private final DataSource dataSource;
  private final Assigner assigner;
  private final CapWatch caps;
  private final Preemptor preemptor;
  private final Thread thread;
  private long watchedNanos = System.nanoTime();
  private volatile boolean stopping;
  private volatile Instant lastRound = Instant.now();

  public AssignmentLoop(
      DataSource dataSource, Assigner assigner, CapWatch caps, Preemptor preemptor) {
    this.dataSource = dataSource;
    this.assigner = assigner;
    this.caps = caps;
    this.preemptor = preemptor;
    this.thread = new Thread(this::run, "assignment");
  }

  public void start() {
    thread.start();
  }

  public boolean alive() {
    return thread.isAlive();
  }

  /** Since the last round that went well. */
  public Duration sinceLastRound() {
    return Duration.between(lastRound, Instant.now());
  }

  private void run() {
    while (!stopping) {
      try (Connection connection = dataSource.getConnection()) {
        listen(connection);
      } catch (StopReading e) {
        LOG.error("assignment ends", e);
        return;
      } catch (SQLException | RuntimeException e) {
        if (!stopping) {
          LOG.warn("assignment pauses: {}", e.toString());
          pause();
        }
      }
    }
  }

  private void listen(Connection connection) throws SQLException {
    connection.setAutoCommit(true);
    PGConnection notifications = connection.unwrap(PGConnection.class);
    try (var statement = connection.createStatement()) {
      statement.execute("listen " + AssignmentSignal.CHANNEL);
      while (!stopping) {
        long began = System.nanoTime();
        int given = assigner.assign();
        if (sinceWatch() >= TICK_MS) {
          caps.look();
          preemptor.look();
          watchedNanos = System.nanoTime();
        }
        lastRound = Instant.now();
        if (given > 0) {
          Pace.OF_EVENTS.rest(began);
        }
        notifications.getNotifications(TICK_MS);
      }
      statement.execute("unlisten *");
    }
  }

  private long sinceWatch() {
    return Duration.ofNanos(System.nanoTime() - watchedNanos).toMillis();
  }

  private void pause() {
    try {
      Thread.sleep(PAUSE_AFTER_ERROR.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      stopping = true;
    }
  }

  @Override
  public void close() {
    stopping = true;
    try {
      thread.join(Duration.ofSeconds(5).toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
