package dev.espalier.scheduler.retention;

import dev.espalier.eventstore.Transactions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** Takes away the points of training curves of sweeps that ended long ago. */
final class OldCurves {

  private static final String OLD =
      """
      select s.sweep_id from sweep s
       where s.ended_at < clock_timestamp() - ? * interval '1 ms'
         and exists (select from metric_point m where m.sweep_id = s.sweep_id)
       order by s.ended_at limit 100
      """;

  private static final String DELETE = "delete from metric_point where sweep_id = ?";

  private final Transactions transactions;
  private final Duration kept;

  OldCurves(Transactions transactions, Duration kept) {
    this.transactions = transactions;
    this.kept = kept;
  }

  /** Points that went. */
  int purge() throws SQLException {
    int points = 0;
    for (String sweep : transactions.call(this::old)) {
      points += transactions.call(connection -> delete(connection, sweep));
    }
    return points;
  }

  private List<String> old(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(OLD)) {
      statement.setLong(1, kept.toMillis());
      try (ResultSet rows = statement.executeQuery()) {
        List<String> sweeps = new ArrayList<>();
        while (rows.next()) {
          sweeps.add(rows.getString(1));
        }
        return sweeps;
      }
    }
  }

  private static int delete(Connection connection, String sweepId) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(DELETE)) {
      statement.setString(1, sweepId);
      return statement.executeUpdate();
    }
  }
}
