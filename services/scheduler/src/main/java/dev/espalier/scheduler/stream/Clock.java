package dev.espalier.scheduler.stream;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;

/** The database's clock, which all replicas share. Read it after taking the locks. */
public final class Clock {

  private Clock() {}

  public static Instant now(Connection connection) throws SQLException {
    try (var statement = connection.prepareStatement("select clock_timestamp()");
        var rows = statement.executeQuery()) {
      rows.next();
      return rows.getObject(1, OffsetDateTime.class).toInstant();
    }
  }
}
