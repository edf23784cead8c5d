package dev.espalier.scheduler.replay;

import dev.espalier.eventstore.EventStore;
import dev.espalier.scheduler.replay.ProjectedTables.Table;
import dev.espalier.scheduler.replay.ReplayOutcome.TableOutcome;
import dev.espalier.scheduler.replay.StatementRecorder.Recorded;
import java.io.IOException;
import java.io.OutputStream;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.postgresql.PGConnection;

/**
 * Some of the streams, folded into tables of the session's own: a temporary table goes before the
 * real one of its name, so that the projections' SQL writes there as it stands.
 */
final class Shard {

  private static final int STATEMENTS_AT_ONCE = 40_000;

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
    for (Table table : ProjectedTables.ALL) {
      createTemporary(table.name());
    }
    createTemporary(ProjectedTables.ASIDE);
    StreamFold fold = new StreamFold();
    BatchedWriter writer = new BatchedWriter(connection);
    List<Deque<Recorded>> pending = new ArrayList<>();
    int[] statements = {0};
    new EventStore()
        .readStreams(
            connection,
            number,
            of,
            stream -> {
              Deque<Recorded> written = fold.fold(stream);
              events += stream.size();
              streams++;
              statements[0] += written.size();
              pending.add(written);
              if (statements[0] > STATEMENTS_AT_ONCE) {
                writer.write(pending);
                pending.clear();
                statements[0] = 0;
              }
            });
    writer.write(pending);
  }

  private void createTemporary(String table) throws SQLException {
    execute(
        "create temporary table %s (like %s.%s including all) on commit drop"
            .formatted(table, schema, table));
  }

  /** Against the real table's rows of the same streams. */
  TableOutcome compare(Table table) throws SQLException {
    String folded = "select * from pg_temp." + table.name();
    String real =
        "select * from %s.%s where mod(abs(hashtext(%s)::bigint), %d) = %d"
            .formatted(schema, table.name(), table.stream(), of, number);
    return new TableOutcome(
        table.name(),
        count(folded),
        count(folded + " except all " + real),
        count(real + " except all " + folded));
  }

  /** The folded rows in PostgreSQL's binary form. */
  void copyOut(Table table, OutputStream rows) throws SQLException, IOException {
    connection
        .unwrap(PGConnection.class)
        .getCopyAPI()
        .copyOut("copy pg_temp.%s to stdout (format binary)".formatted(table.name()), rows);
  }

  private long count(String rows) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select count(*) from (" + rows + ") counted")) {
      row.next();
      return row.getLong(1);
    }
  }

  private void execute(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
