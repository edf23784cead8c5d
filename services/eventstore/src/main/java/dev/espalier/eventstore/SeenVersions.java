package dev.espalier.eventstore;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;

/**
 * Lets a consumer of published streams drop versions that it has handled before. The relay may
 * publish a version twice, but never one before the one ahead of it.
 */
public final class SeenVersions {

  private static final String ADVANCE =
      """
      insert into seen_version (consumer, stream, version)
      values (?, ?, ?)
      on conflict (consumer, stream) do update
      set version = excluded.version
      where seen_version.version < excluded.version
      """;

  /**
   * Records that the consumer has handled the stream up to this version.
   *
   * @return false if it had done so before: change nothing
   */
  public boolean firstSeen(Connection connection, String consumer, String stream, long version)
      throws SQLException {
    try (PreparedStatement upsert = connection.prepareStatement(ADVANCE)) {
      upsert.setString(1, consumer);
      upsert.setString(2, stream);
      upsert.setLong(3, version);
      return upsert.executeUpdate() == 1;
    }
  }
}
