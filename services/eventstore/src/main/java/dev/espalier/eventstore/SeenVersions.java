package dev.espalier.eventstore;

import java.sql.Connection;
import java.sql.SQLException;

/** Lets a consumer of published streams drop versions that it has handled before. */
public final class SeenVersions {

  /**
   * Records that the consumer has handled the stream up to this version.
   *
   * @return false if it had done so before: change nothing
   */
  public boolean firstSeen(Connection connection, String consumer, String stream, long version)
      throws SQLException {
    throw new UnsupportedOperationException();
  }
}
