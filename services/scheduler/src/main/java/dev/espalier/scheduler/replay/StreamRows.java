package dev.espalier.scheduler.replay;

import dev.espalier.scheduler.projection.Statements.Statement;
import dev.espalier.scheduler.replay.RowStatement.Value;
import java.util.Arrays;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** The rows of one stream, as its projections' statements make them. */
final class StreamRows {

  private final Map<String, TableShape> shapes;
  private final Map<String, RowStatement> parsed = new HashMap<>();
  private Map<String, Map<List<Object>, Object[]>> tables = new HashMap<>();

  StreamRows(Map<String, TableShape> shapes) {
    this.shapes = shapes;
  }

  void apply(Deque<Statement> statements) {
    for (Statement statement : statements) {
      if (ProjectedTables.table(statement.sql()).equals(ProjectedTables.ASIDE)) {
        continue;
      }
      RowStatement what = parsed.computeIfAbsent(statement.sql(), RowStatement::parse);
      if (what.deletes()) {
        rows(what.table()).values().removeAll(matching(what, statement.values()));
      } else if (what.columns().isEmpty()) {
        update(what, statement.values());
      } else {
        insert(what, statement.values());
      }
    }
  }

  /** Rows by table, all columns in the table's order; forgets them. */
  Map<String, Collection<Object[]>> take() {
    Map<String, Collection<Object[]>> rows = new HashMap<>();
    tables.forEach((table, some) -> rows.put(table, some.values()));
    tables = new HashMap<>();
    return rows;
  }

  private void insert(RowStatement what, Object[] given) {
    TableShape shape = shapes.get(what.table());
    Object[] row = shape.defaults().toArray();
    for (int i = 0; i < what.columns().size(); i++) {
      row[shape.place(what.columns().get(i))] = value(what.values().get(i), given, null);
    }
    List<Object> key = key(shape, row);
    Map<List<Object>, Object[]> rows = rows(what.table());
    Object[] there = rows.putIfAbsent(key, row);
    if (there == null || what.ignores()) {
      return;
    }
    if (what.sets().isEmpty()) {
      throw new IllegalStateException(
          "expected no row of %s with key %s but found one".formatted(what.table(), key));
    }
    set(shape, what, given, there, row);
  }

  private void update(RowStatement what, Object[] given) {
    for (Object[] row : matching(what, given)) {
      set(shapes.get(what.table()), what, given, row, null);
    }
  }

  /** The rows that fulfil its equalities. */
  private List<Object[]> matching(RowStatement what, Object[] given) {
    TableShape shape = shapes.get(what.table());
    return found(shape, what, given).stream()
        .filter(
            row ->
                what.where().entrySet().stream()
                    .allMatch(
                        equal ->
                            same(
                                row[shape.place(equal.getKey())],
                                value(equal.getValue(), given, null))))
        .toList();
  }

  /** The one row that a whole key names, or all rows of the table. */
  private Collection<Object[]> found(TableShape shape, RowStatement what, Object[] given) {
    Map<List<Object>, Object[]> rows = rows(what.table());
    Object[] wanted = new Object[shape.defaults().size()];
    what.where()
        .forEach((column, value) -> wanted[shape.place(column)] = value(value, given, null));
    List<Object> key = key(shape, wanted);
    if (key.contains(null)) {
      return rows.values();
    }
    Object[] row = rows.get(key);
    return row == null ? List.of() : List.<Object[]>of(row);
  }

  private static void set(
      TableShape shape, RowStatement what, Object[] given, Object[] row, Object[] excluded) {
    for (var set : what.sets().entrySet()) {
      int place = shape.place(set.getKey());
      row[place] =
          set.getValue() instanceof Value.Excluded other
              ? excluded[shape.place(other.column())]
              : value(set.getValue(), given, row[place]);
    }
  }

  private static Object value(Value value, Object[] given, Object now) {
    if (value instanceof Value.Given one) {
      return given[one.number()];
    }
    if (value instanceof Value.Constant constant) {
      return constant.value();
    }
    if (value instanceof Value.Greatest greatest) {
      return Math.max(whole(now), whole(given[greatest.number()]));
    }
    if (value instanceof Value.Plus plus) {
      return whole(now) + whole(given[plus.number()]);
    }
    throw new IllegalStateException("expected a value beside a row to insert but found " + value);
  }

  private static long whole(Object number) {
    return ((Number) number).longValue();
  }

  private Map<List<Object>, Object[]> rows(String table) {
    return tables.computeIfAbsent(table, name -> new LinkedHashMap<>());
  }

  /** Whole numbers of any width are the same key. */
  private static List<Object> key(TableShape shape, Object[] row) {
    return Arrays.stream(shape.key()).mapToObj(place -> widened(row[place])).toList();
  }

  private static boolean same(Object one, Object other) {
    return Objects.equals(widened(one), widened(other));
  }

  private static Object widened(Object value) {
    return value instanceof Integer number ? (Object) number.longValue() : value;
  }
}
