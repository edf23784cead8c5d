package dev.espalier.scheduler.curves;

import com.google.protobuf.Timestamp;
import dev.espalier.eventstore.Transactions;
import dev.espalier.messaging.consume.ConsumedRecord;
import dev.espalier.scheduler.wire.SharedWire;
import dev.espalier.schemas.stage.v1.MetricPoint;
import dev.espalier.schemas.stage.v1.StageMetrics;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Writes training curves into {@code metric_point}.
 *
 * <p><b>Order</b>: keyed by stage; a point of a later generation replaces an earlier attempt's, in
 * whichever order they come. <b>Delivery</b>: at least once; writing a point twice is writing it
 * once, so the inbox is left out. <b>Failure</b>: telemetry feeds no decision; points that no table
 * can hold are left out, a database outage is waited out.
 */
public final class CurveConsumer {

  public static final String NAME = "curves";

  private static final int MAX_NAME = 100;

  private static final String UPSERT =
      """
      insert into metric_point
        (stage_id, name, step, generation, value, measured_at, sweep_id, trial_id)
      select * from unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::double precision[],
        ?::timestamptz[], ?::text[], ?::text[])
      on conflict (stage_id, name, step) do update set
        generation = excluded.generation, value = excluded.value,
        measured_at = excluded.measured_at
      where metric_point.generation <= excluded.generation""";

  private final Transactions transactions;

  public CurveConsumer(Transactions transactions) {
    this.transactions = transactions;
  }

  private record Key(String stageId, String name, long step) {}

  private record Row(Key key, long generation, double value, Timestamp at, StageMetrics of) {}

  public void handle(List<ConsumedRecord<StageMetrics>> records) throws SQLException {
    List<Row> rows = new ArrayList<>(latest(records).values());
    if (!rows.isEmpty()) {
      transactions.run(connection -> write(connection, rows));
    }
  }

  /** One statement may touch a row once, so the batch's own repeats are settled first. */
  private static Map<Key, Row> latest(List<ConsumedRecord<StageMetrics>> records) {
    Map<Key, Row> latest = new LinkedHashMap<>();
    for (ConsumedRecord<StageMetrics> record : records) {
      StageMetrics metrics = record.message();
      for (MetricPoint point : metrics.getPointsList()) {
        if (isStorable(point.getName())) {
          Key key = new Key(metrics.getStageId(), point.getName(), point.getStep());
          Timestamp at = point.hasMeasuredAt() ? point.getMeasuredAt() : metrics.getOccurredAt();
          Row row = new Row(key, metrics.getGeneration(), point.getValue(), at, metrics);
          latest.merge(key, row, (old, now) -> now.generation >= old.generation ? now : old);
        }
      }
    }
    return latest;
  }

  private static boolean isStorable(String name) {
    return !name.isEmpty() && name.length() <= MAX_NAME && name.indexOf('\0') < 0;
  }

  private static void write(Connection connection, List<Row> rows) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(UPSERT)) {
      bind(statement, 1, "text", rows, row -> row.key.stageId);
      bind(statement, 2, "text", rows, row -> row.key.name);
      bind(statement, 3, "bigint", rows, row -> row.key.step);
      bind(statement, 4, "bigint", rows, Row::generation);
      bind(statement, 5, "float8", rows, Row::value);
      bind(
          statement,
          6,
          "timestamptz",
          rows,
          row -> OffsetDateTime.ofInstant(SharedWire.instant(row.at), ZoneOffset.UTC).toString());
      bind(statement, 7, "text", rows, row -> row.of.getSweepId().replace("\0", ""));
      bind(statement, 8, "text", rows, row -> row.of.getTrialId().replace("\0", ""));
      statement.executeUpdate();
    }
  }

  private static void bind(
      PreparedStatement statement,
      int index,
      String type,
      List<Row> rows,
      Function<Row, Object> column)
      throws SQLException {
    Array array =
        statement.getConnection().createArrayOf(type, rows.stream().map(column).toArray());
    statement.setObject(index, array, Types.ARRAY);
  }
}
