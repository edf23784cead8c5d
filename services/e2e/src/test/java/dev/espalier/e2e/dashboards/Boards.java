package dev.espalier.e2e.dashboards;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The boards of {@code dashboards/} and their queries as Grafana would send them. */
public final class Boards {

  public static final List<String> NAMES = List.of("sweep", "trial", "platform", "resources");

  private static final ObjectMapper JSON = new ObjectMapper();

  private Boards() {}

  /**
   * One query of a panel.
   *
   * @param where board and panel, for messages
   * @param chart type of the panel; {@code variable} for the list of a variable
   * @param text SQL or PromQL with Grafana's variables in it
   */
  public record Query(String where, String chart, boolean sql, String text) {

    /** The text with values for the variables, as Grafana interpolates them. */
    public String with(Map<String, String> variables) {
      String filled =
          text.replace("$__timeFrom()", "(now() - interval '1 hour')")
              .replace("$__timeTo()", "now()")
              .replace("$__rate_interval", "1m")
              .replace("$__range", "15m");
      for (var variable : variables.entrySet()) {
        filled =
            filled
                .replace("${" + variable.getKey() + ":sqlstring}", "'" + variable.getValue() + "'")
                .replace("${" + variable.getKey() + ":regex}", variable.getValue());
      }
      if (filled.contains("$") && filled.replaceAll("\\$\\d", "").contains("$")) {
        throw new IllegalStateException(where + " has an unknown variable: " + filled);
      }
      return filled;
    }
  }

  public static Map<String, JsonNode> load(Path root) throws IOException {
    Map<String, JsonNode> boards = new LinkedHashMap<>();
    for (String name : NAMES) {
      Path file = root.resolve("dashboards/" + name + ".json");
      boards.put(name, JSON.readTree(Files.readString(file)));
    }
    return boards;
  }

  /** The queries of all panels, and of the variables that a view lists. */
  public static List<Query> queries(Path root) throws IOException {
    List<Query> queries = new ArrayList<>();
    for (var board : load(root).entrySet()) {
      for (JsonNode panel : board.getValue().path("panels")) {
        String where = board.getKey() + " / " + panel.path("title").asText();
        for (JsonNode target : panel.path("targets")) {
          boolean sql = target.has("rawSql");
          String text = target.path(sql ? "rawSql" : "expr").asText();
          queries.add(new Query(where, panel.path("type").asText(), sql, text));
        }
      }
      for (JsonNode variable : board.getValue().path("templating").path("list")) {
        if (variable.path("query").isTextual()) {
          String where = board.getKey() + " / variable " + variable.path("name").asText();
          queries.add(new Query(where, "variable", true, variable.path("query").asText()));
        }
      }
    }
    return queries;
  }
}
