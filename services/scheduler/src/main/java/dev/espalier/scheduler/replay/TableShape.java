package dev.espalier.scheduler.replay;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The columns of a table in their order.
 *
 * @param places of the columns by name
 * @param defaults of the columns; null where there is none
 * @param key places of the primary key's columns
 */
record TableShape(String table, Map<String, Integer> places, List<Object> defaults, int[] key) {

  private static final String COLUMNS =
      """
      select a.attname, pg_get_expr(d.adbin, d.adrelid)
      from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = ?::regclass and a.attnum > 0 and not a.attisdropped order by a.attnum
      """;

  private static final String KEY =
      """
      select a.attname
      from pg_index i, unnest(i.indkey) with ordinality as k (number, place)
        join pg_attribute a on a.attnum = k.number
      where i.indrelid = ?::regclass and i.indisprimary and a.attrelid = i.indrelid
      order by k.place
      """;

  static TableShape read(Connection connection, String schema, String table) throws SQLException {
    Map<String, Integer> places = new HashMap<>();
    List<Object> defaults = new ArrayList<>();
    for (List<String> column : rows(connection, COLUMNS, schema + "." + table)) {
      places.put(column.get(0), places.size());
      defaults.add(literal(column.get(1)));
    }
    int[] key =
        rows(connection, KEY, schema + "." + table).stream()
            .mapToInt(column -> places.get(column.get(0)))
            .toArray();
    return new TableShape(table, places, defaults, key);
  }

  int place(String column) {
    Integer place = places.get(column);
    if (place == null) {
      throw new IllegalStateException(
          "expected a column of " + table + " in " + places.keySet() + " but found " + column);
    }
    return place;
  }

  /** A constant as PostgreSQL writes defaults: {@code 0}, {@code false}, {@code ''::text}. */
  private static Object literal(String text) {
    if (text == null) {
      return null;
    }
    String value = text.replaceFirst("::[\\w ]+$", "");
    return switch (value) {
      case "true" -> true;
      case "false" -> false;
      default ->
          value.startsWith("'")
              ? value.substring(1, value.length() - 1).replace("''", "'")
              : (Object) Long.valueOf(value);
    };
  }

  private static List<List<String>> rows(Connection connection, String sql, String table)
      throws SQLException {
    try (var statement = connection.prepareStatement(sql)) {
      statement.setString(1, table);
      try (ResultSet row = statement.executeQuery()) {
        List<List<String>> rows = new ArrayList<>();
        int columns = row.getMetaData().getColumnCount();
        while (row.next()) {
          List<String> values = new ArrayList<>();
          for (int i = 1; i <= columns; i++) {
            values.add(row.getString(i));
          }
          rows.add(values);
        }
        return rows;
      }
    }
  }
}
