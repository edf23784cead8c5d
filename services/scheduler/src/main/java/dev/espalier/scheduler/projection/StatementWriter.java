package dev.espalier.scheduler.projection;

import dev.espalier.scheduler.projection.Statements.Statement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes the statements of many streams in few batches. Rows belong to one stream each, so only the
 * order within a stream counts: of all streams' next statements, those that are the same SQL go
 * together, the most frequent first.
 */
public final class StatementWriter {

  private final Connection connection;

  public StatementWriter(Connection connection) {
    this.connection = connection;
  }

  public void write(Collection<Deque<Statement>> streams) throws SQLException {
    Map<String, List<Deque<Statement>>> next = new HashMap<>();
    streams.forEach(stream -> enqueue(next, stream));
    while (!next.isEmpty()) {
      String sql =
          next.entrySet().stream()
              .max((a, b) -> Integer.compare(a.getValue().size(), b.getValue().size()))
              .orElseThrow()
              .getKey();
      List<Deque<Statement>> together = next.remove(sql);
      execute(sql, together);
      together.forEach(stream -> enqueue(next, stream));
    }
  }

  private static void enqueue(Map<String, List<Deque<Statement>>> next, Deque<Statement> stream) {
    if (!stream.isEmpty()) {
      next.computeIfAbsent(stream.peek().sql(), sql -> new ArrayList<>()).add(stream);
    }
  }

  private void execute(String sql, List<Deque<Statement>> streams) throws SQLException {
    boolean repeatable = !sql.contains("do update");
    try (PreparedStatement prepared = connection.prepareStatement(sql)) {
      for (Deque<Statement> stream : streams) {
        // A stream's own repeats of the same statement may go along, but for those that may meet
        // the row that one before them has made: drivers put inserts together.
        do {
          Object[] values = stream.remove().values();
          for (int i = 0; i < values.length; i++) {
            prepared.setObject(i + 1, values[i]);
          }
          prepared.addBatch();
        } while (repeatable && !stream.isEmpty() && stream.peek().sql().equals(sql));
      }
      prepared.executeBatch();
    }
  }
}
