package dev.espalier.scheduler.api;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javax.sql.DataSource;

/**
 * The platform as a whole.
 *
 * @param version of this scheduler
 * @param queue stages by state, of all sweeps, as far as they are not done
 * @param sweeps sweeps by state
 */
public record PlatformStatus(
    String version, List<Worker> workers, Map<String, Long> queue, Map<String, Long> sweeps) {

  /**
   * A worker that is alive or left lately.
   *
   * @param state ACTIVE, DRAINING, LEFT or LOST
   * @param busy slots that hold a lease
   */
  public record Worker(
      String id,
      String service,
      String state,
      int slots,
      int busy,
      String device,
      String host,
      String softwareVersion,
      Instant joinedAt,
      Instant heartbeatAt) {}

  private static final String WORKERS =
      """
      select w.worker_id, w.service, w.state, w.slots, w.device, w.host, w.software_version,
        w.joined_at, w.heartbeat_at,
        (select count(*) from lease l where l.worker_id = w.worker_id) as busy
      from worker w
      where w.state in ('ACTIVE', 'DRAINING') or w.ended_at > clock_timestamp() - interval '1 hour'
      order by w.state, w.service, w.joined_at limit 1000""";

  static PlatformStatus read(DataSource dataSource) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      String version = PlatformStatus.class.getPackage().getImplementationVersion();
      return new PlatformStatus(
          version == null ? "development" : version,
          Sql.list(
              connection,
              WORKERS,
              row ->
                  new Worker(
                      row.getString("worker_id"),
                      row.getString("service"),
                      row.getString("state"),
                      row.getInt("slots"),
                      row.getInt("busy"),
                      row.getString("device"),
                      row.getString("host"),
                      row.getString("software_version"),
                      Sql.instant(row, "joined_at"),
                      Sql.instant(row, "heartbeat_at"))),
          counts(
              connection,
              """
              select state, count(*) from stage
              where state in ('WAITING', 'RUNNABLE', 'RUNNING') group by state"""),
          counts(connection, "select state, count(*) from sweep group by state"));
    }
  }

  private static Map<String, Long> counts(Connection connection, String sql) throws SQLException {
    Map<String, Long> counts = new TreeMap<>();
    Sql.list(connection, sql, row -> counts.put(row.getString(1), row.getLong(2)));
    return counts;
  }
}
