package dev.espalier.eventstore;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Collection;

/**
 * Takes events away for good, which nobody may ever fold again: of a stream whose later event says
 * all that its state depends on, or of one that nothing will ever be appended to. A stream's
 * versions are never given twice, so that whoever remembers a state of it stays right. What is not
 * published yet stays.
 */
public final class EventPurge {

  private static final String BEFORE =
      "delete from event where stream = ? and version < ? and published_at is not null";

  private static final String ALL =
      "delete from event where stream = any(?) and published_at is not null";

  private EventPurge() {}

  /** Of a stream, all before this version. */
  public static int before(Connection connection, String stream, long version) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(BEFORE)) {
      statement.setString(1, stream);
      statement.setLong(2, version);
      return statement.executeUpdate();
    }
  }

  /** Of streams that have come to their end, all. */
  public static int all(Connection connection, Collection<String> streams) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(ALL)) {
      statement.setArray(1, connection.createArrayOf("text", streams.toArray()));
      return statement.executeUpdate();
    }
  }
}
