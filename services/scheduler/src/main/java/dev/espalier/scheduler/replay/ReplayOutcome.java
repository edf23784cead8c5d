package dev.espalier.scheduler.replay;

import java.util.List;

/**
 * What a replay found.
 *
 * @param events folded
 * @param streams that they belong to
 * @param equal whether every table holds exactly what the events say
 * @param rebuilt whether the tables were written again
 * @param seconds it took
 */
public record ReplayOutcome(
    long events,
    long streams,
    List<TableOutcome> tables,
    boolean equal,
    boolean rebuilt,
    double seconds) {

  /**
   * A table against the events.
   *
   * @param rows that the events make
   * @param missing rows that the events make and the table lacks
   * @param unexpected rows that no event makes
   */
  public record TableOutcome(String table, long rows, long missing, long unexpected) {

    TableOutcome plus(TableOutcome other) {
      return new TableOutcome(
          table, rows + other.rows, missing + other.missing, unexpected + other.unexpected);
    }
  }

  public ReplayOutcome {
    tables = List.copyOf(tables);
  }
}
