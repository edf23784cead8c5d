package dev.espalier.scheduler.replay;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A projection's statement, taken apart, so that a replay can run it on rows in memory. Projections
 * keep to few forms: {@code insert ... values ... [on conflict do nothing | do update set ...]},
 * {@code update ... set ... where column = value and ...} and {@code delete from ... where column =
 * value and ...}; another one is refused with its text.
 *
 * @param columns of an insert, in the order of its values; none of an update
 * @param values of an insert
 * @param ignores whether an insert leaves a row that is there as it is
 * @param sets what an update, or an insert that finds its row, assigns; nothing of a delete
 * @param where equalities that the rows of an update or a delete fulfil
 */
record RowStatement(
    String table,
    List<String> columns,
    List<Value> values,
    boolean ignores,
    Map<String, Value> sets,
    Map<String, Value> where) {

  /** Something that stands for a value. */
  sealed interface Value {

    /**
     * @param number of the placeholder, from 0
     */
    record Given(int number) implements Value {}

    record Constant(Object value) implements Value {}

    /** The column's value in the row that was to be inserted. */
    record Excluded(String column) implements Value {}

    /** The greater of the column's and a given value. */
    record Greatest(int number) implements Value {}

    /** The column's value and a given one. */
    record Plus(int number) implements Value {}
  }

  private static final Pattern INSERT =
      Pattern.compile(
          "insert into (\\w+) \\(([^)]*)\\) values \\(([^)]*)\\)"
              + "(?: on conflict(?: \\([^)]*\\))? do (?:(nothing)|update set (.*)))?");

  private static final Pattern DELETE = Pattern.compile("delete from (\\w+) where (.*)");
  private static final Pattern UPDATE = Pattern.compile("update (\\w+) set (.*) where (.*)");
  private static final Pattern COMMA_OUTSIDE = Pattern.compile(", (?![^(]*\\))");

  static RowStatement parse(String sql) {
    String text = sql.strip().replaceAll("\\s+", " ");
    Placeholders placeholders = new Placeholders(text);
    Matcher insert = INSERT.matcher(text);
    if (insert.matches()) {
      List<Value> values =
          Stream.of(insert.group(3).split(", "))
              .map(value -> placeholders.value(value, ""))
              .toList();
      return new RowStatement(
          insert.group(1),
          List.of(insert.group(2).split(", ")),
          values,
          insert.group(4) != null,
          insert.group(5) == null ? Map.of() : placeholders.pairs(split(insert.group(5))),
          Map.of());
    }
    Matcher update = UPDATE.matcher(text);
    if (update.matches()) {
      Map<String, Value> sets = placeholders.pairs(split(update.group(2)));
      return new RowStatement(
          update.group(1),
          List.of(),
          List.of(),
          false,
          sets,
          placeholders.pairs(List.of(update.group(3).split(" and "))));
    }
    Matcher delete = DELETE.matcher(text);
    if (delete.matches()) {
      return new RowStatement(
          delete.group(1),
          List.of(),
          List.of(),
          false,
          Map.of(),
          placeholders.pairs(List.of(delete.group(2).split(" and "))));
    }
    throw refused(text);
  }

  /** Whether it takes rows away. */
  boolean deletes() {
    return columns.isEmpty() && sets.isEmpty();
  }

  private static List<String> split(String assignments) {
    return List.of(COMMA_OUTSIDE.split(assignments));
  }

  private static IllegalStateException refused(String text) {
    return new IllegalStateException(
        "expected a projection to insert values, or to update or delete rows by their columns, but found: "
            + text);
  }

  /** Counts placeholders in the order in which they stand. */
  private static final class Placeholders {

    private final String sql;
    private int next;

    Placeholders(String sql) {
      this.sql = sql;
    }

    Map<String, Value> pairs(List<String> texts) {
      Map<String, Value> pairs = new LinkedHashMap<>();
      for (String text : texts) {
        String[] sides = text.split(" = ", 2);
        if (sides.length != 2) {
          throw refused(sql);
        }
        pairs.put(sides[0], value(sides[1], sides[0]));
      }
      return pairs;
    }

    Value value(String text, String column) {
      if (text.equals("?")) {
        return new Value.Given(next++);
      }
      if (text.equals("greatest(" + column + ", ?)")) {
        return new Value.Greatest(next++);
      }
      if (text.equals(column + " + ?")) {
        return new Value.Plus(next++);
      }
      if (text.startsWith("excluded.")) {
        return new Value.Excluded(text.substring("excluded.".length()));
      }
      if (text.startsWith("'") && text.endsWith("'")) {
        return new Value.Constant(text.substring(1, text.length() - 1));
      }
      return switch (text) {
        case "null" -> new Value.Constant(null);
        case "true" -> new Value.Constant(true);
        case "false" -> new Value.Constant(false);
        default -> throw refused(sql);
      };
    }
  }
}
