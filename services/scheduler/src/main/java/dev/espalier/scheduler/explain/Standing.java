package dev.espalier.scheduler.explain;

import dev.espalier.scheduler.wire.Labels;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Where an unfinished trial stands: the first stage of its walk that is not done, and why. */
final class Standing {

  private static final String NEXT =
      """
      select s.stage_id, s.kind, s.algorithm, s.algorithm_version, s.device_kind, s.labels, s.state,
        s.held,
        s.retry_at, s.retry_at > clock_timestamp() as backs_off, s.runnable_at, s.generation,
        s.worker_id, s.host, l.step, l.total_steps,
        extract(epoch from clock_timestamp() - s.runnable_at) as waited,
        (select string_agg(distinct lower(i.kind), ', ') from stage_input x
          join stage i on i.stage_id = x.input_stage_id
          where x.stage_id = s.stage_id and i.state <> 'SUCCEEDED') as missing
      from trial_stage t join stage s using (stage_id) left join lease l using (stage_id)
      where t.trial_id = ? and s.state <> 'SUCCEEDED'
      order by t.position limit 1
      """;

  private static final String ABLE =
      """
      select count(*) as workers, coalesce(sum(w.slots), 0) as slots,
        coalesce(sum((select count(*) from lease l where l.worker_id = w.worker_id)), 0) as busy
      from worker w
      where w.state = 'ACTIVE' and (? = '' or w.device_kind = ?)
        and w.labels @> cast(? as jsonb) and exists (
        select 1 from worker_capability c where c.worker_id = w.worker_id
          and c.kind = ? and c.algorithm = ? and c.algorithm_version = ?)
      """;

  private Standing() {}

  /** Empty if every stage is done. */
  static Optional<String> of(Connection connection, String trialId) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(NEXT)) {
      select.setString(1, trialId);
      try (ResultSet row = select.executeQuery()) {
        return row.next() ? Optional.of(sentence(connection, row)) : Optional.empty();
      }
    }
  }

  private static String sentence(Connection connection, ResultSet row) throws SQLException {
    String stage = row.getString("kind").toLowerCase(Locale.ROOT);
    if (row.getBoolean("held")) {
      return "its " + stage + " is held: every sweep that wants it is paused";
    }
    return switch (row.getString("state")) {
      case "WAITING" -> "its " + stage + " waits for what " + row.getString("missing") + " makes";
      case "RUNNING" ->
          "its %s runs on %s%s, generation %d%s"
              .formatted(
                  stage,
                  row.getString("worker_id"),
                  row.getString("host") == null ? "" : " (" + row.getString("host") + ")",
                  row.getLong("generation"),
                  row.getLong("total_steps") > 0
                      ? ", at step %d of %d"
                          .formatted(row.getLong("step"), row.getLong("total_steps"))
                      : "");
      case "RUNNABLE" ->
          row.getBoolean("backs_off")
              ? "its %s waits until %s after a failed attempt"
                  .formatted(stage, row.getTimestamp("retry_at").toInstant())
              : waiting(connection, row, stage);
      default -> "its " + stage + " is " + row.getString("state").toLowerCase(Locale.ROOT);
    };
  }

  private static String waiting(Connection connection, ResultSet stage, String kind)
      throws SQLException {
    String work =
        "%s@%d%s"
                .formatted(
                    stage.getString("algorithm"),
                    stage.getInt("algorithm_version"),
                    stage.getString("device_kind").isEmpty()
                        ? ""
                        : " on " + stage.getString("device_kind"))
            + with(Labels.parse(stage.getString("labels")));
    try (PreparedStatement select = connection.prepareStatement(ABLE)) {
      select.setString(1, stage.getString("device_kind"));
      select.setString(2, stage.getString("device_kind"));
      select.setString(3, stage.getString("labels"));
      select.setString(4, stage.getString("kind"));
      select.setString(5, stage.getString("algorithm"));
      select.setInt(6, stage.getInt("algorithm_version"));
      try (ResultSet able = select.executeQuery()) {
        able.next();
        String since = " for %d s".formatted(Math.max(0, stage.getLong("waited")));
        return able.getInt("workers") == 0
            ? "its %s waits%s: no live worker can do %s".formatted(kind, since, work)
            : "its %s waits%s for a slot: %d live %s can do %s, with %d of %d slots busy"
                .formatted(
                    kind,
                    since,
                    able.getInt("workers"),
                    able.getInt("workers") == 1 ? "worker" : "workers",
                    work,
                    able.getInt("busy"),
                    able.getInt("slots"));
      }
    }
  }

  private static String with(Map<String, String> labels) {
    return labels.entrySet().stream()
        .map(label -> label.getKey() + "=" + label.getValue())
        .collect(Collectors.joining(", ", labels.isEmpty() ? "" : " with ", ""));
  }
}
