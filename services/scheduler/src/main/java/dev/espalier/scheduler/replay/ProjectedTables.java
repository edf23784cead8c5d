package dev.espalier.scheduler.replay;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The tables that events keep, and nothing else does. {@code lease} and {@code worker} hold who is
 * alive, {@code metric_point} telemetry, {@code model} and {@code dataset} what is registered: no
 * event says those, and no replay touches them.
 */
final class ProjectedTables {

  /**
   * A table and the stream that its rows belong to.
   *
   * @param stream SQL for the stream's name, of the table's own columns
   */
  record Table(String name, String stream) {}

  private static final String OF_SWEEP = "'sweep-' || sweep_id";
  private static final String OF_TRIAL = "'trial-' || trial_id";
  private static final String OF_STAGE = "'stage-' || stage_id";

  static final List<Table> ALL =
      List.of(
          new Table("sweep", OF_SWEEP),
          new Table("trial", OF_TRIAL),
          new Table("trial_stage", OF_TRIAL),
          new Table("trial_measurement", OF_TRIAL),
          new Table("stage", OF_STAGE),
          new Table("stage_claim", OF_STAGE),
          new Table("stage_input", OF_STAGE),
          new Table("stage_output", OF_STAGE),
          new Table("measurement", OF_STAGE),
          new Table("attempt", OF_STAGE),
          new Table("epoch_evaluated", OF_STAGE),
          new Table("stale_report", OF_STAGE));

  /** Written by projections too, but not kept by them alone: left out. */
  static final String ASIDE = "lease";

  private static final Pattern WRITTEN =
      Pattern.compile("\\s*(?:insert\\s+into|update|delete\\s+from)\\s+(\\w+).*", Pattern.DOTALL);

  private static final Set<String> NAMES =
      Stream.concat(ALL.stream().map(Table::name), Stream.of(ASIDE)).collect(Collectors.toSet());

  /** What was found of SQL that was asked for before. */
  private static final Map<String, String> WRITES = new ConcurrentHashMap<>();

  private ProjectedTables() {}

  /** The table that SQL writes to; refuses one that a replay knows nothing of. */
  static String table(String sql) {
    return WRITES.computeIfAbsent(sql, ProjectedTables::check);
  }

  static String check(String sql) {
    Matcher written = WRITTEN.matcher(sql);
    if (!written.matches() || !NAMES.contains(written.group(1))) {
      throw new IllegalStateException(
          "expected projections to write to one of " + NAMES + " but found: " + sql.strip());
    }
    return written.group(1);
  }
}
