package dev.espalier.scheduler.projection;

import com.google.protobuf.Timestamp;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

/** Runs a statement with positional values; instants become timestamps. */
final class Sql {

  private Sql() {}

  static int run(Connection connection, String sql, Object... values) throws SQLException {
    try (var statement = connection.prepareStatement(sql)) {
      for (int i = 0; i < values.length; i++) {
        Object value = values[i];
        if (value instanceof Timestamp timestamp) {
          value = Instant.ofEpochSecond(timestamp.getSeconds(), timestamp.getNanos());
        }
        if (value instanceof Instant instant) {
          value = OffsetDateTime.ofInstant(instant, ZoneOffset.UTC);
        }
        statement.setObject(i + 1, value);
      }
      return statement.executeUpdate();
    }
  }
}
