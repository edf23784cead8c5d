package dev.espalier.eventstore;

import java.sql.Connection;
import java.sql.SQLException;

/** Remembers which events a consumer has handled, in the transaction that handles them. */
public final class Inbox {

  /**
   * Records the event for the consumer.
   *
   * @return false if it was recorded before: change nothing
   * @throws PayloadMismatch if the same id came with other bytes
   */
  public boolean firstSeen(Connection connection, String consumer, String eventId, byte[] payload)
      throws SQLException {
    throw new UnsupportedOperationException();
  }

  /** Makes partitions for the coming days and drops those past retention. Idempotent. */
  public void maintain(Connection connection) throws SQLException {
    throw new UnsupportedOperationException();
  }
}
