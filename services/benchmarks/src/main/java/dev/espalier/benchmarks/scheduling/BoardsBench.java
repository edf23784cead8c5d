package dev.espalier.benchmarks.scheduling;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Every SQL query of the boards, as their reader, over one sweep of many trials and many points:
 * the median of three runs after one that warms up.
 */
final class BoardsBench {

  static final int POINTS = 1_000_000;

  private static final int RUNS = 3;
  private static final double OBJECTIVE_MS = 1_000;

  /**
   * @param where board, and panel or variable
   */
  private record Query(String where, String sql) {}

  private BoardsBench() {}

  static Map<String, Object> run(ScalePlatform platform, ScaleOptions options, int points)
      throws SQLException, IOException {
    SyntheticSweep.write(platform, options.cells(), points);
    Map<String, Double> milliseconds = new LinkedHashMap<>();
    Map<String, Integer> rows = new TreeMap<>();
    try (Connection connection = platform.dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      String trials = list(statement, "select trial_id from trial order by planned_at limit 8");
      String worker = list(statement, "select min(worker_id) from attempt");
      statement.execute("set role espalier_dash");
      for (Query query : queries()) {
        String sql =
            query
                .sql()
                .replace("${sweep:sqlstring}", "'" + SyntheticSweep.ID + "'")
                .replace("${trial:sqlstring}", trials)
                .replace("${worker:sqlstring}", worker)
                .replace("$__timeFrom()", "(now() - interval '1 hour')")
                .replace("$__timeTo()", "now()");
        List<Double> runs = new ArrayList<>();
        for (int run = 0; run <= RUNS; run++) {
          long start = System.nanoTime();
          int found = rows(statement, sql);
          if (run > 0) {
            runs.add((System.nanoTime() - start) / 1e6);
          } else {
            rows.merge(query.where(), found, Integer::sum);
          }
        }
        milliseconds.merge(query.where(), Tail.percentile(runs, 0.5), Math::max);
      }
      statement.execute("reset role");
    }
    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("benchmark", "boards");
    figures.put("cells", options.cells());
    figures.put("points", platform.number("select count(*) from metric_point"));
    figures.put("panels", milliseconds.size());
    figures.put("rows", rows.values().stream().mapToInt(Integer::intValue).sum());
    figures.put(
        "without_rows",
        rows.entrySet().stream()
            .filter(panel -> panel.getValue() == 0)
            .map(Map.Entry::getKey)
            .collect(Collectors.joining(", ")));
    figures.put("over_1s", milliseconds.values().stream().filter(ms -> ms > OBJECTIVE_MS).count());
    milliseconds.entrySet().stream()
        .sorted(Map.Entry.<String, Double>comparingByValue().reversed())
        .limit(12)
        .forEach(panel -> figures.put("ms of " + panel.getKey(), panel.getValue()));
    return figures;
  }

  private static int rows(Statement statement, String sql) throws SQLException {
    int count = 0;
    try (ResultSet rows = statement.executeQuery(sql)) {
      while (rows.next()) {
        count++;
      }
    }
    return count;
  }

  private static String list(Statement statement, String sql) throws SQLException {
    List<String> values = new ArrayList<>();
    try (ResultSet rows = statement.executeQuery(sql)) {
      while (rows.next()) {
        values.add("'" + rows.getString(1) + "'");
      }
    }
    return String.join(",", values);
  }

  /** Of panels, and of the variables that a view lists; Prometheus answers the platform's board. */
  private static List<Query> queries() throws IOException {
    Path home = Path.of(System.getProperty("espalier.home", "../.."));
    List<Query> queries = new ArrayList<>();
    for (String name : List.of("sweep", "trial", "resources")) {
      JsonNode board =
          new ObjectMapper().readTree(home.resolve("dashboards/" + name + ".json").toFile());
      for (JsonNode panel : board.path("panels")) {
        for (JsonNode target : panel.path("targets")) {
          if (target.has("rawSql")) {
            String title = panel.path("title").asText();
            queries.add(new Query(name + " / " + title, target.path("rawSql").asText()));
          }
        }
      }
      for (JsonNode variable : board.path("templating").path("list")) {
        if (variable.path("query").isTextual()) {
          String title = "variable " + variable.path("name").asText();
          queries.add(new Query(name + " / " + title, variable.path("query").asText()));
        }
      }
    }
    return queries;
  }
}
