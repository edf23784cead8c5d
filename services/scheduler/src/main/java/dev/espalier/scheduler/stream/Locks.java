package dev.espalier.scheduler.stream;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;

/**
 * Locks rows in the order of their keys. The rows are looked up one by one: a plan for {@code key =
 * any(...)} that was made while the table was small would read the whole table for ever after.
 */
final class Locks {

  private Locks() {}

  /** SQL for {@link #take}. */
  static String each(String table, String key) {
    return "select found.one from unnest(?::text[]) as wanted (key), lateral"
        + " (select 1 as one from %s where %s = wanted.key for update) found".formatted(table, key);
  }

  static void take(Connection connection, String sql, Collection<String> keys) throws SQLException {
    try (var statement = connection.prepareStatement(sql)) {
      statement.setArray(
          1, connection.createArrayOf("text", keys.stream().sorted().distinct().toArray()));
      statement.executeQuery().close();
    }
  }
}
