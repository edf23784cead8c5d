package dev.espalier.eventstore;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * Streams of events in PostgreSQL; what is appended is also what the {@link Relay} publishes.
 *
 * <p>All calls work in the transaction of the connection they are given. Events of one stream are
 * published in the order of their versions: a version can be appended only after the one before it
 * was committed, so it has the higher id as well.
 */
public final class EventStore {

  /** Streams with this prefix hold one message each that belongs to no other stream. */
  static final String OUTBOX_ONLY = "outbox/";

  /** Channel on which a commit with new rows wakes the relay. */
  static final String CHANNEL = "espalier_event";

  private static final String COLUMNS =
      """
      id, stream, version, event_id, type, payload, topic, key, partition, traceparent, occurred_at
      """;

  private static final String LOAD =
      "select "
          + COLUMNS
          + """
          from event
          where stream = ? and version > ?
          order by version
          """;

  private static final String LOAD_MANY =
      "select e.* from unnest(?::text[], ?::bigint[], ?::bigint[]) as wanted (name, after, until),"
          + " lateral (select "
          + COLUMNS
          + """
          from event
          where stream = wanted.name and version > wanted.after and version <= wanted.until
          order by version) e
          """;

  private static final String READ =
      "select "
          + COLUMNS
          + """
          from event
          where id > ? and stream not like 'outbox/%'
          order by id
          limit ?
          """;

  private static final String STREAMS =
      "select "
          + COLUMNS
          + """
          from event
          where stream not like 'outbox/%' and mod(abs(hashtext(stream)::bigint), ?) = ?
          order by stream, version
          """;

  private static final int FETCHED_AT_ONCE = 2_000;

  private static final String VERSION = "select max(version) from event where stream = ?";

  private static final String APPEND =
      """
      insert into event (stream, version, event_id, type, payload, topic, key, partition,
        traceparent, occurred_at, requested_by, team)
      select * from unnest(?::text[], ?::bigint[], ?::uuid[], ?::text[], ?::bytea[], ?::text[],
        ?::text[], ?::integer[], ?::text[], ?::timestamptz[], ?::text[], ?::text[])
      on conflict do nothing
      """;

  private static final String NOTIFY = "select pg_notify('" + CHANNEL + "', '')";

  private static final String NOW = "select clock_timestamp()";

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
      return events(select);
    }
  }

  /**
   * Versions of a stream.
   *
   * @param after excluded
   * @param until included
   */
  public record Span(long after, long until) {

    /** All that came after a version. */
    public static Span after(long version) {
      return new Span(version, Long.MAX_VALUE);
    }
  }

  /**
   * Events of many streams.
   *
   * @param spans by stream
   * @return events by stream, in order; a stream without any is not in it
   */
  public Map<String, List<StoredEvent>> load(Connection connection, Map<String, Span> spans)
      throws SQLException {
    Map<String, List<StoredEvent>> found = new HashMap<>();
    if (spans.isEmpty()) {
      return found;
    }
    Object[] after = spans.values().stream().map(Span::after).toArray();
    Object[] until = spans.values().stream().map(Span::until).toArray();
    try (PreparedStatement select = connection.prepareStatement(LOAD_MANY)) {
      select.setArray(1, connection.createArrayOf("text", spans.keySet().toArray()));
      select.setArray(2, connection.createArrayOf("bigint", after));
      select.setArray(3, connection.createArrayOf("bigint", until));
      for (StoredEvent event : events(select)) {
        found.computeIfAbsent(event.stream(), stream -> new ArrayList<>()).add(event);
      }
      return found;
    }
  }

  /**
   * Events of all streams in the order of their ids, for replay: run it when nobody appends, or
   * over a range that is long committed. Messages that belong to no stream are left out.
   */
  public List<StoredEvent> readAll(Connection connection, long afterId, int limit)
      throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(READ)) {
      select.setLong(1, afterId);
      select.setInt(2, limit);
      return events(select);
    }
  }

  /** Takes streams one by one. */
  @FunctionalInterface
  public interface StreamReader {

    /**
     * @param events of one stream, all of them, in order
     */
    void read(List<StoredEvent> events) throws SQLException;
  }

  /**
   * All streams of a shard, those whose name {@code mod(abs(hashtext(stream)::bigint), shards)}
   * sends there. Needs an open transaction; memory holds one stream at a time.
   *
   * @param shard in [0, shards)
   */
  public void readStreams(Connection connection, int shard, int shards, StreamReader reader)
      throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(STREAMS)) {
      select.setFetchSize(FETCHED_AT_ONCE);
      select.setInt(1, shards);
      select.setInt(2, shard);
      List<StoredEvent> stream = new ArrayList<>();
      try (ResultSet row = select.executeQuery()) {
        while (row.next()) {
          StoredEvent event = event(row);
          if (!stream.isEmpty() && !stream.get(0).stream().equals(event.stream())) {
            reader.read(List.copyOf(stream));
            stream.clear();
          }
          stream.add(event);
        }
      }
      if (!stream.isEmpty()) {
        reader.read(List.copyOf(stream));
      }
    }
  }

  /** Version of a stream; 0 if it is not there. */
  public long version(Connection connection, String stream) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(VERSION)) {
      select.setString(1, stream);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return row.getLong(1);
      }
    }
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
    if (events.isEmpty()) {
      return expectedVersion;
    }
    long found = version(connection, stream);
    if (found != expectedVersion) {
      throw new VersionConflict(stream, expectedVersion, found);
    }
    append(connection, List.of(new Addition(stream, expectedVersion, events)));
    return expectedVersion + events.size();
  }

  /**
   * What one stream gets.
   *
   * @param expectedVersion as the same transaction has loaded it; 0 of a stream that is not there
   */
  public record Addition(String stream, long expectedVersion, List<NewEvent> events) {
    public Addition {
      events = List.copyOf(events);
      if (stream.startsWith(OUTBOX_ONLY)) {
        throw new IllegalArgumentException("a stream cannot be named " + stream);
      }
    }
  }

  /**
   * Appends to many streams at once, all or nothing. Streams that several writers may make at the
   * same time should come in the same order everywhere, or writers may wait for each other.
   *
   * @throws VersionConflict if a stream is at another version; roll back
   */
  public void append(Connection connection, List<Addition> additions) throws SQLException {
    EventColumns columns = new EventColumns();
    for (Addition addition : additions) {
      long version = addition.expectedVersion;
      for (NewEvent event : addition.events) {
        columns.add(addition.stream, ++version, event);
      }
    }
    if (columns.size() == 0) {
      return;
    }
    int appended;
    try (PreparedStatement insert = connection.prepareStatement(APPEND)) {
      columns.bind(insert);
      appended = insert.executeUpdate();
    }
    if (appended < columns.size()) {
      for (Addition addition : additions) {
        long last = addition.expectedVersion + addition.events.size();
        if (version(connection, addition.stream) != last || !complete(connection, addition)) {
          refuse(connection, addition.stream, addition.expectedVersion, addition.events.get(0));
        }
      }
    }
    wakeRelay(connection);
  }

  /** Whether what stands in the table is what was to be appended, not another's. */
  private static boolean complete(Connection connection, Addition addition) throws SQLException {
    String sql = "select count(*) from event where stream = ? and event_id = any(?)";
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      select.setString(1, addition.stream);
      select.setArray(
          2,
          connection.createArrayOf(
              "uuid", addition.events.stream().map(NewEvent::eventId).toArray()));
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return row.getInt(1) == addition.events.size();
      }
    }
  }

  /**
   * Queues messages that belong to no stream, such as commands to workers, for the relay. They are
   * published in this order, and after what the transaction appended before.
   */
  public void enqueue(Connection connection, List<NewEvent> messages) throws SQLException {
    if (messages.isEmpty()) {
      return;
    }
    EventColumns columns = new EventColumns();
    messages.forEach(message -> columns.add(OUTBOX_ONLY + message.eventId(), 1, message));
    try (PreparedStatement insert = connection.prepareStatement(APPEND)) {
      columns.bind(insert);
      if (insert.executeUpdate() < messages.size()) {
        throw new IllegalArgumentException(
            "expected messages with ids of their own but one of "
                + messages.stream().map(NewEvent::eventId).toList()
                + " is in the table already");
      }
    }
    wakeRelay(connection);
  }

  /** The database's clock at this moment, not at the transaction's start. */
  public Instant now(Connection connection) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(NOW);
        ResultSet row = select.executeQuery()) {
      row.next();
      return row.getObject(1, OffsetDateTime.class).toInstant();
    }
  }

  private void refuse(Connection connection, String stream, long expectedVersion, NewEvent event)
      throws SQLException {
    String sql = "select stream from event where event_id = ?";
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      select.setObject(1, event.eventId());
      try (ResultSet row = select.executeQuery()) {
        if (row.next()) {
          throw new IllegalArgumentException(
              "event " + event.eventId() + " is already in stream " + row.getString(1));
        }
      }
    }
    throw new VersionConflict(stream, expectedVersion, version(connection, stream));
  }

  /** Delivered at commit; many in one transaction are one. */
  private static void wakeRelay(Connection connection) throws SQLException {
    try (PreparedStatement notify = connection.prepareStatement(NOTIFY)) {
      notify.execute();
    }
  }

  private static List<StoredEvent> events(PreparedStatement select) throws SQLException {
    List<StoredEvent> events = new ArrayList<>();
    try (ResultSet row = select.executeQuery()) {
      while (row.next()) {
        events.add(event(row));
      }
    }
    return events;
  }

  static StoredEvent event(ResultSet row) throws SQLException {
    Timestamp occurredAt = row.getTimestamp("occurred_at");
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
        occurredAt.toInstant());
  }
}
