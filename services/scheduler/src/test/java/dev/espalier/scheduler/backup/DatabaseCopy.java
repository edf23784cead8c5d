package dev.espalier.scheduler.backup;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.postgresql.PGConnection;

/** All rows of one moment, as {@code pg_dump --data-only} takes them: one snapshot, by COPY. */
record DatabaseCopy(Map<String, byte[]> tables) {

  private static final String TABLES =
      """
      select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
        and c.relname <> 'flyway_schema_history'
      """;

  static DatabaseCopy of(DataSource source) throws SQLException, IOException {
    try (Connection connection = source.getConnection()) {
      connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
      connection.setAutoCommit(false);
      Map<String, byte[]> tables = new LinkedHashMap<>();
      for (String table : tables(connection)) {
        ByteArrayOutputStream rows = new ByteArrayOutputStream();
        connection
            .unwrap(PGConnection.class)
            .getCopyAPI()
            .copyOut("copy (select * from " + table + ") to stdout", rows);
        tables.put(table, rows.toByteArray());
      }
      connection.rollback();
      connection.setAutoCommit(true);
      connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
      return new DatabaseCopy(tables);
    }
  }

  /** Into a database that has the tables and no rows. */
  void restore(DataSource target) throws SQLException, IOException {
    try (Connection connection = target.getConnection();
        var statement = connection.createStatement()) {
      statement.execute("set session_replication_role = replica"); // Foreign keys hold in the copy.
      statement.execute("truncate " + String.join(", ", tables.keySet()));
      for (Map.Entry<String, byte[]> table : tables.entrySet()) {
        connection
            .unwrap(PGConnection.class)
            .getCopyAPI()
            .copyIn(
                "copy " + table.getKey() + " from stdin",
                new ByteArrayInputStream(table.getValue()));
      }
      statement.execute("reset session_replication_role");
      statement.execute(
          "select setval(pg_get_serial_sequence('event', 'id'), (select max(id) from event))");
    }
  }

  private static List<String> tables(Connection connection) throws SQLException {
    try (var statement = connection.prepareStatement(TABLES);
        ResultSet rows = statement.executeQuery()) {
      List<String> tables = new ArrayList<>();
      while (rows.next()) {
        tables.add(rows.getString(1));
      }
      return tables;
    }
  }
}
