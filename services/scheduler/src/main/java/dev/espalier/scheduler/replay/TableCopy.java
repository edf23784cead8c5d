package dev.espalier.scheduler.replay;

import java.io.IOException;
import java.io.StringReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HexFormat;
import org.postgresql.PGConnection;

/** Rows on their way into a table, by {@code COPY} in PostgreSQL's text form. */
final class TableCopy {

  private static final int CHARACTERS_AT_ONCE = 4_000_000;
  private static final HexFormat HEX = HexFormat.of();

  private final Connection connection;
  private final String table;
  private final StringBuilder text = new StringBuilder();

  TableCopy(Connection connection, String table) {
    this.connection = connection;
    this.table = table;
  }

  /**
   * @param rows values of all columns, in the table's order
   */
  void add(Collection<Object[]> rows) throws SQLException {
    for (Object[] row : rows) {
      for (int i = 0; i < row.length; i++) {
        if (i > 0) {
          text.append('\t');
        }
        append(row[i]);
      }
      text.append('\n');
    }
    if (text.length() > CHARACTERS_AT_ONCE) {
      flush();
    }
  }

  void flush() throws SQLException {
    if (text.isEmpty()) {
      return;
    }
    try {
      connection
          .unwrap(PGConnection.class)
          .getCopyAPI()
          .copyIn("copy " + table + " from stdin", new StringReader(text.toString()));
    } catch (IOException e) {
      throw new SQLException("expected rows for " + table + " to be read from memory", e);
    }
    text.setLength(0);
  }

  private void append(Object value) {
    if (value == null) {
      text.append("\\N");
    } else if (value instanceof byte[] bytes) {
      text.append("\\\\x").append(HEX.formatHex(bytes));
    } else if (value instanceof String string) {
      escape(string);
    } else {
      text.append(value);
    }
  }

  private void escape(String string) {
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      switch (c) {
        case '\\' -> text.append("\\\\");
        case '\t' -> text.append("\\t");
        case '\n' -> text.append("\\n");
        case '\r' -> text.append("\\r");
        default -> text.append(c);
      }
    }
  }
}
