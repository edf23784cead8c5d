package dev.espalier.benchmarks.scheduling;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.postgresql.PGConnection;

/**
 * Writes the history of one sweep again under other ids. An id is replaced by one of the same
 * length, wherever it stands in the bytes of an event, so that the bytes stay a message.
 */
final class HistoryCopies {

  private static final int ROWS_AT_ONCE = 20_000;

  private static final String COPY =
      "copy event (stream, version, event_id, type, payload, topic, key, occurred_at, published_at,"
          + " requested_by, team) from stdin";

  private record Row(
      String stream,
      long version,
      String type,
      String payload,
      String topic,
      String key,
      String occurredAt,
      String requestedBy,
      String team) {}

  private final DataSource dataSource;
  private final List<Row> rows = new ArrayList<>();
  private final Pattern ids;

  /**
   * @param sweepId the only sweep there is
   */
  HistoryCopies(DataSource dataSource, String sweepId) throws SQLException {
    this.dataSource = dataSource;
    TreeSet<String> found = new TreeSet<>(List.of(sweepId));
    try (var connection = dataSource.getConnection();
        var statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "select stream, version, type, payload, topic, key, occurred_at, requested_by, team"
                    + " from event where stream not like 'outbox/%' order by id")) {
      while (row.next()) {
        String stream = row.getString("stream");
        if (stream.startsWith("stage-")) {
          found.add(stream.substring("stage-".length()));
        }
        rows.add(
            new Row(
                stream,
                row.getLong("version"),
                row.getString("type"),
                new String(row.getBytes("payload"), StandardCharsets.ISO_8859_1),
                row.getString("topic"),
                row.getString("key"),
                row.getString("occurred_at"),
                row.getString("requested_by"),
                row.getString("team")));
      }
    }
    ids = Pattern.compile(String.join("|", found));
  }

  void write(int copies) throws SQLException, IOException {
    StringBuilder text = new StringBuilder();
    int pending = 0;
    for (int copy = 1; copy <= copies; copy++) {
      Map<String, String> names = new HashMap<>();
      for (Row row : rows) {
        append(text, row, copy, names);
        pending++;
      }
      if (pending > ROWS_AT_ONCE || copy == copies) {
        flush(text);
        pending = 0;
      }
    }
  }

  private void append(StringBuilder text, Row row, int copy, Map<String, String> names) {
    text.append(renamed(row.stream, copy, names)).append('\t');
    text.append(row.version).append('\t');
    text.append(UUID.randomUUID()).append('\t');
    text.append(row.type).append('\t');
    text.append("\\\\x")
        .append(
            HexFormat.of()
                .formatHex(renamed(row.payload, copy, names).getBytes(StandardCharsets.ISO_8859_1)))
        .append('\t');
    text.append(row.topic).append('\t');
    text.append(renamed(row.key, copy, names)).append('\t');
    text.append(row.occurredAt).append('\t').append(row.occurredAt).append('\t');
    text.append(row.requestedBy).append('\t').append(row.team).append('\n');
  }

  private String renamed(String text, int copy, Map<String, String> names) {
    return ids.matcher(text)
        .replaceAll((MatchResult id) -> names.computeIfAbsent(id.group(), old -> other(old, copy)));
  }

  private static String other(String id, int copy) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest((copy + id).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest).substring(0, id.length());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private void flush(StringBuilder text) throws SQLException, IOException {
    try (var connection = dataSource.getConnection()) {
      connection
          .unwrap(PGConnection.class)
          .getCopyAPI()
          .copyIn(COPY, new StringReader(text.toString()));
    }
    text.setLength(0);
  }
}
