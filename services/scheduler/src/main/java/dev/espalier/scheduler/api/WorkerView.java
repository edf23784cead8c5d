package dev.espalier.scheduler.api;

import dev.espalier.scheduler.wire.Labels;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;

/**
 * A worker that takes work: what it can do, and what a sweep can ask for.
 *
 * @param labels device, host, and what its operator says of it
 */
public record WorkerView(
    String id,
    String service,
    String host,
    String deviceKind,
    int slots,
    Map<String, String> labels,
    List<Ability> capabilities) {

  /** A kind of stage. */
  public record Ability(String kind, String algorithm, int version) {

    private static Ability parse(String text) {
      String[] parts = text.split(" ", 3);
      return new Ability(parts[0], parts[2], Integer.parseInt(parts[1]));
    }
  }

  private static final String WORKERS =
      """
      select w.worker_id, w.service, w.host, w.device_kind, w.slots, w.labels::text as labels,
        array(select c.kind || ' ' || c.algorithm_version || ' ' || c.algorithm
          from worker_capability c where c.worker_id = w.worker_id order by 1) as capabilities
      from worker w where w.state = 'ACTIVE'
      order by w.service, w.host, w.worker_id limit 1000
      """;

  static List<WorkerView> read(DataSource dataSource) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      return Sql.list(
          connection,
          WORKERS,
          row ->
              new WorkerView(
                  row.getString("worker_id"),
                  row.getString("service"),
                  row.getString("host"),
                  row.getString("device_kind"),
                  row.getInt("slots"),
                  Labels.parse(row.getString("labels")),
                  Arrays.stream((String[]) row.getArray("capabilities").getArray())
                      .map(Ability::parse)
                      .toList()));
    }
  }
}
