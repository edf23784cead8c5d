package dev.espalier.eventstore;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** Streams of events in PostgreSQL; what is appended is also what the {@link Relay} publishes. */
public final class EventStore {

  /** Wakes the relay; PostgreSQL delivers it at commit and folds repeats of one transaction. */
  static final String CHANNEL = "espalier_event";

  private static final String UNIQUE_VIOLATION = "23505";

  private static final String LOAD =
      """
      select id, stream, version, event_id, type, payload, topic, key, partition, traceparent,
             occurred_at
        from event
       where stream = ? and version > ?
       order by version
      """;

  private static final String VERSION =
      "select coalesce(max(version), 0) from event where stream = ?";

  private static final String INSERT =
      """
      insert into event (stream, version, event_id, type, payload, topic, key, partition,
                         traceparent, occurred_at)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """;

  private static final String NOTIFY = "select pg_notify('" + CHANNEL + "', '')";

  /** All events of a stream, in order. */
  public List<StoredEvent> load(Connection connection, String stream) throws SQLException {
    return loadAfter(connection, stream, 0);
  }

  /** Events of a stream above a version, in order. */
  public List<StoredEvent> loadAfter(Connection connection, String stream, long version)
      throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(LOAD)) {
      select.setString(1, stream);
      select.setLong(2, version);
      try (ResultSet rows = select.executeQuery()) {
        List<StoredEvent> events = new ArrayList<>();
        while (rows.next()) {
          events.add(event(rows));
        }
        return events;
      }
    }
  }

  static StoredEvent event(ResultSet row) throws SQLException {
    return new StoredEvent(
        row.getLong("id"),
        row.getString("stream"),
        row.getLong("version"),
        row.getObject("event_id", UUID.class),
        row.getString("type"),
        row.getBytes("payload"),
        row.getString("topic"),
        row.getString("key"),
        row.getObject("partition", Integer.class),
        row.getString("traceparent"),
        row.getObject("occurred_at", OffsetDateTime.class).toInstant());
  }

  /**
   * Appends at {@code expectedVersion + 1}; 0 expects a stream that is not there yet.
   *
   * @return the stream's new version
   * @throws VersionConflict if the stream is at another version; roll back
   */
  public long append(
      Connection connection, String stream, long expectedVersion, List<NewEvent> events)
      throws SQLException {
    long found = version(connection, stream);
    if (found != expectedVersion) {
      throw new VersionConflict(stream, expectedVersion, found);
    }
    if (events.isEmpty()) {
      return expectedVersion;
    }
    try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
      long version = expectedVersion;
      for (NewEvent event : events) {
        bind(insert, stream, ++version, event);
        insert.addBatch();
      }
      insert.executeBatch();
    } catch (SQLException e) {
      if (anotherAppended(e)) {
        throw new VersionConflict(stream, expectedVersion, expectedVersion + 1);
      }
      throw e;
    }
    wakeRelay(connection);
    return expectedVersion + events.size();
  }

  /** Queues messages that belong to no stream, such as commands to workers, for the relay. */
  public void enqueue(Connection connection, List<NewEvent> messages) throws SQLException {
    if (messages.isEmpty()) {
      return;
    }
    try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
      for (NewEvent message : messages) {
        bind(insert, "message-" + message.eventId(), 1, message);
        insert.addBatch();
      }
      insert.executeBatch();
    }
    wakeRelay(connection);
  }

  private static long version(Connection connection, String stream) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(VERSION)) {
      select.setString(1, stream);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return row.getLong(1);
      }
    }
  }

  private static void bind(PreparedStatement insert, String stream, long version, NewEvent event)
      throws SQLException {
    insert.setString(1, stream);
    insert.setLong(2, version);
    insert.setObject(3, event.eventId());
    insert.setString(4, event.type());
    insert.setBytes(5, event.payload());
    insert.setString(6, event.topic());
    insert.setString(7, event.key());
    insert.setObject(8, event.partition(), Types.INTEGER);
    insert.setString(9, event.traceparent());
    insert.setObject(10, event.occurredAt().atOffset(ZoneOffset.UTC));
  }

  /** Whether it was the stream's next version that somebody else has taken. */
  private static boolean anotherAppended(SQLException failure) {
    for (SQLException e = failure; e != null; e = e.getNextException()) {
      if (UNIQUE_VIOLATION.equals(e.getSQLState())
          && e.getMessage() != null
          && e.getMessage().contains("event_pkey")) {
        return true;
      }
    }
    return false;
  }

  private static void wakeRelay(Connection connection) throws SQLException {
    try (PreparedStatement notify = connection.prepareStatement(NOTIFY)) {
      notify.execute();
    }
  }
}
