package dev.espalier.scheduler.replay;

import dev.espalier.scheduler.replay.StatementRecorder.Recorded;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes the statements of many streams in few batches. Rows belong to one stream each, so only the
 * order within a stream counts: of all streams' next statements, those that are the same SQL go
 * together, the most frequent first.
 */
final class BatchedWriter {

  private final Connection connection;

  BatchedWriter(Connection connection) {
    this.connection = connection;
  }

  void write(List<Deque<Recorded>> streams) throws SQLException {
    Map<String, List<Deque<Recorded>>> next = new HashMap<>();
    streams.forEach(stream -> enqueue(next, stream));
    while (!next.isEmpty()) {
      String sql =
          next.entrySet().stream()
              .max((a, b) -> Integer.compare(a.getValue().size(), b.getValue().size()))
              .orElseThrow()
              .getKey();
      List<Deque<Recorded>> together = next.remove(sql);
      execute(sql, together);
      together.forEach(stream -> enqueue(next, stream));
    }
  }

  private static void enqueue(Map<String, List<Deque<Recorded>>> next, Deque<Recorded> stream) {
    if (!stream.isEmpty()) {
      next.computeIfAbsent(stream.peek().sql(), sql -> new ArrayList<>()).add(stream);
    }
  }

  private void execute(String sql, List<Deque<Recorded>> streams) throws SQLException {
    ProjectedTables.check(sql);
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      for (Deque<Recorded> stream : streams) {
        Object[] values = stream.remove().values();
        for (int i = 0; i < values.length; i++) {
          statement.setObject(i + 1, values[i]);
        }
        statement.addBatch();
      }
      statement.executeBatch();
    }
  }
}
