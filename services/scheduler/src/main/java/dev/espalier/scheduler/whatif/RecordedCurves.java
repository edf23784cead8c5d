package dev.espalier.scheduler.whatif;

import dev.espalier.architecture.json.Json;
import dev.espalier.sweep.strategy.CellRef;
import dev.espalier.sweep.strategy.WhatIf;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import javax.sql.DataSource;

/** Reads the recoveries of a sweep's trials, in the order in which their epochs were recorded. */
final class RecordedCurves {

  private static final String SPEC = "select canonical_spec_json from sweep where sweep_id = ?";

  private static final String TRIALS =
      """
      select t.trial_id, t.cell_id, t.method, t.target_kind, t.keep_ratio, t.state,
        m.value as top1, b.value as base
      from trial t
      left join trial_measurement m on m.trial_id = t.trial_id and m.name = 'top1_accuracy'
      left join trial_measurement b on b.trial_id = t.trial_id and b.name = 'base_top1_accuracy'
      where t.sweep_id = ? order by t.trial_id
      """;

  /** Recovery is the stage before the last one of the walk. */
  private static final String EPOCHS =
      """
      select t.trial_id, e.epoch, e.top1
      from trial t
      join lateral (select stage_id from trial_stage s where s.trial_id = t.trial_id
        order by s.position desc offset 1 limit 1) r on true
      join epoch_evaluated e on e.stage_id = r.stage_id
      where t.sweep_id = ? and e.epoch > 0
      order by e.recorded_at, t.trial_id, e.epoch
      """;

  /**
   * @param base top-1 accuracy of the base; NaN if no trial measured it
   */
  record Record(
      String canonicalSpecJson,
      List<WhatIf.Recorded> trials,
      List<WhatIf.Arrival> arrivals,
      double base) {}

  private RecordedCurves() {}

  /** Empty if there is no such sweep. */
  static Optional<Record> read(DataSource dataSource, String sweepId) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      String spec = null;
      try (PreparedStatement select = prepare(connection, SPEC, sweepId);
          ResultSet row = select.executeQuery()) {
        if (!row.next()) {
          return Optional.empty();
        }
        spec = row.getString(1);
      }
      Map<String, Map<Integer, Double>> curves = new LinkedHashMap<>();
      List<WhatIf.Arrival> arrivals = new ArrayList<>();
      try (PreparedStatement select = prepare(connection, EPOCHS, sweepId);
          ResultSet row = select.executeQuery()) {
        while (row.next()) {
          String trial = row.getString("trial_id");
          curves
              .computeIfAbsent(trial, key -> new TreeMap<>())
              .put(row.getInt("epoch"), row.getDouble("top1"));
          arrivals.add(new WhatIf.Arrival(trial, row.getInt("epoch")));
        }
      }
      return Optional.of(trials(connection, sweepId, spec, curves, arrivals));
    }
  }

  private static Record trials(
      Connection connection,
      String sweepId,
      String spec,
      Map<String, Map<Integer, Double>> curves,
      List<WhatIf.Arrival> arrivals)
      throws SQLException {
    List<WhatIf.Recorded> trials = new ArrayList<>();
    double base = Double.NaN;
    try (PreparedStatement select = prepare(connection, TRIALS, sweepId);
        ResultSet row = select.executeQuery()) {
      while (row.next()) {
        String id = row.getString("trial_id");
        double top1 = row.getDouble("top1");
        boolean measured = !row.wasNull();
        double ofBase = row.getDouble("base");
        base = row.wasNull() ? base : ofBase;
        String target =
            row.getString("target_kind") + " " + Json.canonical(row.getDouble("keep_ratio"));
        trials.add(
            new WhatIf.Recorded(
                id,
                new CellRef(row.getString("cell_id"), row.getString("method"), target),
                row.getString("state").equals("SUCCEEDED"),
                row.getString("state").equals("FAILED"),
                curves.getOrDefault(id, Map.of()),
                measured ? top1 : Double.NaN));
      }
    }
    return new Record(spec, trials, arrivals, base);
  }

  private static PreparedStatement prepare(Connection connection, String sql, String id)
      throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    statement.setString(1, id);
    return statement;
  }
}
