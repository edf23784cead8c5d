package dev.espalier.scheduler.assignment;

import dev.espalier.sweep.assignment.TeamShare;
import dev.espalier.sweep.lifecycle.SweepEvent.CapReached;
import dev.espalier.sweep.lifecycle.SweepEvent.CapScope;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Device-hours of the sweeps that have a cap, or whose team has one: slot time of attempts, those
 * that run included. One statement reads them all, so that an attempt that ends meanwhile is
 * counted once, as running or as ended.
 */
final class DeviceHours {

  private static final String USED =
      """
      select s.sweep_id, s.team, s.state = 'CAPPED' as capped, s.device_hours_cap,
        coalesce((
          select sum(extract(epoch from coalesce(a.ended_at, clock_timestamp()) - a.assigned_at))
          from attempt a where a.sweep_id = s.sweep_id), 0) / 3600 as of_sweep,
        case when s.team = any(?) then coalesce((
          select sum(extract(epoch from coalesce(a.ended_at, clock_timestamp()) - a.assigned_at))
          from attempt a where a.team = s.team), 0) / 3600 else 0 end as of_team,
        (select count(*) from lease l where l.sweep_id = s.sweep_id) as running, s.cancel_reason
      from sweep s
      where s.state in ('ACCEPTED', 'RUNNING', 'PAUSED', 'CAPPED')
        and (s.device_hours_cap is not null or s.state = 'CAPPED' or s.team = any(?))
      order by s.sweep_id
      """;

  /**
   * A sweep under a cap.
   *
   * @param capped whether its events say that it has stopped
   * @param reached the cap it has reached now, if any
   * @param reason why it has stopped; null if it has not
   */
  record Use(
      String sweepId,
      String team,
      boolean capped,
      Optional<CapReached> reached,
      int running,
      String reason) {

    boolean mayStart() {
      return !capped && reached.isEmpty();
    }
  }

  private final Map<String, TeamShare> teams;

  DeviceHours(Map<String, TeamShare> teams) {
    this.teams = Map.copyOf(teams);
  }

  List<Use> read(Connection connection) throws SQLException {
    try (var statement = connection.prepareStatement(USED)) {
      statement.setArray(1, connection.createArrayOf("text", cappedTeams()));
      statement.setArray(2, connection.createArrayOf("text", cappedTeams()));
      try (ResultSet rows = statement.executeQuery()) {
        List<Use> uses = new ArrayList<>();
        while (rows.next()) {
          uses.add(
              new Use(
                  rows.getString("sweep_id"),
                  rows.getString("team"),
                  rows.getBoolean("capped"),
                  reached(rows),
                  rows.getInt("running"),
                  rows.getString("cancel_reason")));
        }
        return uses;
      }
    }
  }

  private Object[] cappedTeams() {
    return teams.entrySet().stream()
        .filter(team -> Double.isFinite(team.getValue().deviceHours()))
        .map(Map.Entry::getKey)
        .toArray();
  }

  private Optional<CapReached> reached(ResultSet row) throws SQLException {
    double ofSweep = row.getDouble("of_sweep");
    double cap = row.getDouble("device_hours_cap");
    if (!row.wasNull() && ofSweep >= cap) {
      return Optional.of(new CapReached(CapScope.SWEEP, cap, ofSweep));
    }
    double ofTeam = row.getDouble("of_team");
    double teamCap = teams.getOrDefault(row.getString("team"), TeamShare.ORDINARY).deviceHours();
    return ofTeam >= teamCap
        ? Optional.of(new CapReached(CapScope.TEAM, teamCap, ofTeam))
        : Optional.empty();
  }
}
