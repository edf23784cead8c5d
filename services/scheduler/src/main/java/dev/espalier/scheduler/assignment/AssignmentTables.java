package dev.espalier.scheduler.assignment;

import dev.espalier.scheduler.wire.Labels;
import dev.espalier.sweep.assignment.Capability;
import dev.espalier.sweep.assignment.Occupation;
import dev.espalier.sweep.assignment.Offer;
import dev.espalier.sweep.assignment.Worker;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What assignment and preemption decide upon, as the tables have it. */
final class AssignmentTables {

  /** Stages of one kind of a sweep that are looked at in one batch. */
  private static final int OFFERS_PER_KIND = 64;

  private static final String WORKERS =
      """
      select w.worker_id, w.host, w.device_kind, w.slots,
        (select count(*) from lease l where l.worker_id = w.worker_id) as running,
        w.labels::text as labels
      from worker w
      where w.state = 'ACTIVE' and w.heartbeat_at > clock_timestamp() - ? * interval '1 ms'
      """;

  private static final String CAPABILITIES =
      """
      select c.worker_id, c.kind, c.algorithm, c.algorithm_version
      from worker_capability c join worker w using (worker_id) where w.state = 'ACTIVE'
      """;

  private static final String OCCUPATIONS =
      """
      select l.stage_id, l.worker_id, w.host, g.team, l.sweep_id, g.priority, g.remaining,
        l.alone, l.assigned_at, g.kind, l.yielding
      from lease l join worker w using (worker_id) join stage g using (stage_id)
      """;

  /** Evaluations that wait for a host of their own must not hide those that need none. */
  private static final String OFFERS =
      """
      select stage_id, kind, algorithm, algorithm_version, device_kind, team, sweep_id, priority,
        runnable_at, worker_losses, remaining, labels
      from (
        select *, row_number() over (
          partition by sweep_id, kind, algorithm = 'accuracy'
          order by remaining desc, runnable_at, stage_id) as place
        from stage
        where state = 'RUNNABLE' and not held and sweep_id is not null
          and (retry_at is null or retry_at <= clock_timestamp())) runnable
      where place <= ?
      """;

  /** Of a table that was small when it was planned, all rows would be read for ever after. */
  private static final String BY_INDEX = "set local enable_seqscan = off";

  private AssignmentTables() {}

  /** Workers that take work and were heard of within the duration of a lease. */
  static List<Worker> workers(Connection connection, Duration lease) throws SQLException {
    Map<String, Set<Capability>> capabilities = new HashMap<>();
    try (var statement = connection.prepareStatement(CAPABILITIES);
        ResultSet rows = statement.executeQuery()) {
      while (rows.next()) {
        capabilities
            .computeIfAbsent(rows.getString(1), worker -> new HashSet<>())
            .add(new Capability(rows.getString(2), rows.getString(3), rows.getInt(4)));
      }
    }
    try (var statement = connection.prepareStatement(WORKERS)) {
      statement.setLong(1, lease.toMillis());
      try (ResultSet rows = statement.executeQuery()) {
        List<Worker> workers = new ArrayList<>();
        while (rows.next()) {
          workers.add(
              new Worker(
                  rows.getString(1),
                  rows.getString(2),
                  rows.getString(3),
                  capabilities.getOrDefault(rows.getString(1), Set.of()),
                  rows.getInt(4),
                  rows.getInt(5),
                  Labels.parse(rows.getString("labels"))));
        }
        return workers;
      }
    }
  }

  /** The leases that are out. */
  static List<Occupation> occupations(Connection connection) throws SQLException {
    try (var statement = connection.prepareStatement(OCCUPATIONS);
        ResultSet rows = statement.executeQuery()) {
      List<Occupation> held = new ArrayList<>();
      while (rows.next()) {
        held.add(
            new Occupation(
                rows.getString("stage_id"),
                rows.getString("worker_id"),
                rows.getString("host"),
                rows.getString("team"),
                rows.getString("sweep_id"),
                rows.getInt("priority"),
                rows.getInt("remaining"),
                rows.getBoolean("alone"),
                rows.getObject("assigned_at", OffsetDateTime.class).toInstant(),
                Walk.hasCheckpoints(rows.getString("kind")),
                rows.getBoolean("yielding")));
      }
      return held;
    }
  }

  /** Stages that could run now, by id. */
  static Map<String, Offer> offers(Connection connection) throws SQLException {
    try (var statement = connection.createStatement()) {
      statement.execute(BY_INDEX);
    }
    try (var statement = connection.prepareStatement(OFFERS)) {
      statement.setInt(1, OFFERS_PER_KIND);
      try (ResultSet rows = statement.executeQuery()) {
        Map<String, Offer> offers = new HashMap<>();
        while (rows.next()) {
          String kind = rows.getString("kind");
          Capability needs =
              new Capability(kind, rows.getString("algorithm"), rows.getInt("algorithm_version"));
          offers.put(
              rows.getString("stage_id"),
              new Offer(
                  rows.getString("stage_id"),
                  needs,
                  needs.onDevice(rows.getString("device_kind")),
                  rows.getString("team"),
                  rows.getString("sweep_id"),
                  rows.getInt("priority"),
                  rows.getObject("runnable_at", OffsetDateTime.class).toInstant(),
                  Walk.KINDS.indexOf(kind),
                  rows.getInt("remaining"),
                  Walk.runsAlone(kind, rows.getString("algorithm"), rows.getInt("worker_losses")),
                  Labels.parse(rows.getString("labels"))));
        }
        return offers;
      }
    }
  }
}
