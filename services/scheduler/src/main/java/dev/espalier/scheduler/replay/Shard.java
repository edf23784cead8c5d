package dev.espalier.scheduler.replay;

import dev.espalier.eventstore.EventStore;
import dev.espalier.scheduler.replay.ProjectedTables.Table;
import dev.espalier.scheduler.replay.ReplayOutcome.TableOutcome;
import java.io.IOException;
import java.io.OutputStream;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.postgresql.PGConnection;

/**
 * Some of the streams, folded row by row in memory and copied into temporary tables of the
 * session's own.
 */
final class Shard {

  private static final String FINGERPRINT =
      """
      select count(*), coalesce(sum(hash_record_extended(rows, 1)), 0),
        coalesce(sum(hash_record_extended(rows, 2)), 0)
      from (%s) rows
      """;

  private final Connection connection;
  private final String schema;
  private final int number;
  private final int of;
  private long events;
  private long streams;

  /**
   * @param connection in a transaction, whose end takes the tables away
   * @param schema of the real tables
   */
  Shard(Connection connection, String schema, int number, int of) {
    this.connection = connection;
    this.schema = schema;
    this.number = number;
    this.of = of;
  }

  long events() {
    return events;
  }

  long streams() {
    return streams;
  }

  void fold() throws SQLException {
    // What sorts and hashes the rows of a few streams does so for millions of them.
    execute("set local work_mem = '128MB'");
    Map<String, TableShape> shapes = new HashMap<>();
    Map<String, TableCopy> copies = new HashMap<>();
    for (Table table : ProjectedTables.ALL) {
      execute(
          "create temporary table %s (like %s.%s) on commit drop"
              .formatted(table.name(), schema, table.name()));
      shapes.put(table.name(), TableShape.read(connection, schema, table.name()));
      copies.put(table.name(), new TableCopy(connection, "pg_temp." + table.name()));
    }
    StreamFold fold = new StreamFold();
    StreamRows rows = new StreamRows(shapes);
    new EventStore()
        .readStreams(
            connection,
            number,
            of,
            stream -> {
              rows.apply(fold.fold(stream));
              events += stream.size();
              streams++;
              for (var table : rows.take().entrySet()) {
                copies.get(table.getKey()).add(table.getValue());
              }
            });
    for (TableCopy copy : copies.values()) {
      copy.flush();
    }
  }

  /**
   * Against the real table's rows of the same streams. Equal sums of two 64-bit hashes mean equal
   * rows; where they differ, the rows themselves are compared.
   */
  TableOutcome compare(Table table) throws SQLException {
    String folded = "select * from pg_temp." + table.name();
    String real =
        "select * from %s.%s where mod(abs(hashtext(%s)::bigint), %d) = %d"
            .formatted(schema, table.name(), table.stream(), of, number);
    List<String> print = fingerprint(folded);
    long count = Long.parseLong(print.get(0));
    if (print.equals(fingerprint(real))) {
      return new TableOutcome(table.name(), count, 0, 0);
    }
    return new TableOutcome(
        table.name(),
        count,
        count(folded + " except all " + real),
        count(real + " except all " + folded));
  }

  private List<String> fingerprint(String rows) throws SQLException {
    try (var statement = connection.createStatement();
        ResultSet row = statement.executeQuery(FINGERPRINT.formatted(rows))) {
      row.next();
      return List.of(row.getString(1), row.getString(2), row.getString(3));
    }
  }

  /** The folded rows in PostgreSQL's binary form. */
  void copyOut(Table table, OutputStream rows) throws SQLException, IOException {
    connection
        .unwrap(PGConnection.class)
        .getCopyAPI()
        .copyOut("copy pg_temp.%s to stdout (format binary)".formatted(table.name()), rows);
  }

  private long count(String rows) throws SQLException {
    try (var statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select count(*) from (" + rows + ") counted")) {
      row.next();
      return row.getLong(1);
    }
  }

  private void execute(String sql) throws SQLException {
    try (var statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
