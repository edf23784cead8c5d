package dev.espalier.eventstore;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;

/** Rows of the event table, column by column, so that one statement inserts them all. */
final class EventColumns {

  private static final String[] TYPES = {
    "text",
    "bigint",
    "uuid",
    "text",
    "bytea",
    "text",
    "text",
    "integer",
    "text",
    "timestamptz",
    "text",
    "text"
  };

  private static final int PAYLOAD = 4;

  private final List<List<Object>> columns = new ArrayList<>();
  private int size;

  EventColumns() {
    for (int i = 0; i < TYPES.length; i++) {
      columns.add(new ArrayList<>());
    }
  }

  int size() {
    return size;
  }

  void add(String stream, long version, NewEvent event) {
    Object[] row = {
      stream,
      version,
      event.eventId(),
      event.type(),
      event.payload(),
      event.topic(),
      event.key(),
      event.partition(),
      event.traceparent(),
      event.occurredAt().atOffset(ZoneOffset.UTC).toString(),
      event.requestedBy(),
      event.team()
    };
    for (int i = 0; i < row.length; i++) {
      columns.get(i).add(row[i]);
    }
    size++;
  }

  /** To placeholders 1 to 12. */
  void bind(PreparedStatement insert) throws SQLException {
    Connection connection = insert.getConnection();
    for (int i = 0; i < TYPES.length; i++) {
      List<Object> column = columns.get(i);
      Object[] values = i == PAYLOAD ? column.toArray(byte[][]::new) : column.toArray();
      insert.setArray(i + 1, connection.createArrayOf(TYPES[i], values));
    }
  }
}
