package dev.espalier.eventstore;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;

/** Streams of events in PostgreSQL; what is appended is also what the {@link Relay} publishes. */
public final class EventStore {

  /** All events of a stream, in order. */
  public List<StoredEvent> load(Connection connection, String stream) throws SQLException {
    throw new UnsupportedOperationException();
  }

  /** Events of a stream above a version, in order. */
  public List<StoredEvent> loadAfter(Connection connection, String stream, long version)
      throws SQLException {
    throw new UnsupportedOperationException();
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
    throw new UnsupportedOperationException();
  }

  /** Queues messages that belong to no stream, such as commands to workers, for the relay. */
  public void enqueue(Connection connection, List<NewEvent> messages) throws SQLException {
    throw new UnsupportedOperationException();
  }
}
