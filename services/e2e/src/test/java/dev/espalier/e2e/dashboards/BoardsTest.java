package dev.espalier.e2e.dashboards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.e2e.repository.Migrated;
import dev.espalier.testkit.Postgres;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** What holds of every board, and that no query fails where there is nothing yet. */
class BoardsTest {

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  private static final Path ROOT = root();
  private static final Map<String, String> NOTHING =
      Map.of("sweep", "none", "trial", "none", "worker", "none", "job", ".*");
  private static final Set<String> SOURCES = Set.of("espalier-prometheus", "espalier-postgres");
  private static final Pattern LINK = Pattern.compile("/d/([a-z-]+)(?:\\?([^\"]*))?");
  private static final Pattern LINKED_VARIABLE = Pattern.compile("var-([a-z]+)=");
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([a-z]+)[:}]");

  @TempDir Path directory;

  @Test
  void everyPanelSaysWhatItMeansItsUnitAndWhatNoDataMeans() throws Exception {
    for (var board : Boards.load(ROOT).entrySet()) {
      JsonNode panels = board.getValue().path("panels");
      assertThat(panels.size()).as(board.getKey()).isBetween(5, 25);
      Set<Integer> ids = new HashSet<>();
      Set<String> titles = new HashSet<>();
      Set<String> distinct = new HashSet<>();
      for (JsonNode panel : panels) {
        String where = board.getKey() + " / " + panel.path("title").asText();
        assertThat(ids.add(panel.path("id").asInt())).as(where).isTrue();
        assertThat(titles.add(panel.path("title").asText())).as(where).isTrue();
        assertThat(panel.path("description").asText()).as(where).hasSizeGreaterThan(15);
        JsonNode defaults = panel.path("fieldConfig").path("defaults");
        assertThat(defaults.path("unit").asText()).as(where).isNotBlank();
        assertThat(defaults.path("noValue").asText()).as(where).isNotBlank();
        assertThat(panel.path("targets")).as(where).isNotEmpty();
        for (JsonNode target : panel.path("targets")) {
          assertThat(SOURCES).as(where).contains(target.path("datasource").path("uid").asText());
          distinct.add(target.path("rawSql").asText() + target.path("expr").asText());
        }
      }
      assertThat(distinct.size()).as("queries of " + board.getKey()).isLessThanOrEqualTo(45);
    }
  }

  @Test
  void linksLeadToBoardsThatHaveTheVariableTheySet() throws Exception {
    Map<String, JsonNode> boards = Boards.load(ROOT);
    Set<String> followed = new HashSet<>();
    for (var board : boards.entrySet()) {
      Matcher link = LINK.matcher(board.getValue().toString());
      while (link.find()) {
        String uid = link.group(1);
        JsonNode target =
            boards.values().stream()
                .filter(b -> b.path("uid").asText().equals(uid))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no board " + uid));
        if (link.group(2) != null) {
          Matcher variable = LINKED_VARIABLE.matcher(link.group(2));
          while (variable.find()) {
            assertThat(variables(target)).as(uid).contains(variable.group(1));
            followed.add(board.getValue().path("uid").asText() + " -> " + uid);
          }
        }
      }
    }
    assertThat(followed)
        .contains("espalier-sweep -> espalier-trial", "espalier-trial -> espalier-resources");
  }

  @Test
  void everyVariableOfAQueryIsOneOfTheBoard() throws Exception {
    for (JsonNode board : Boards.load(ROOT).values()) {
      for (JsonNode panel : board.path("panels")) {
        for (JsonNode target : panel.path("targets")) {
          Matcher variable = VARIABLE.matcher(target.path("rawSql").asText() + target.path("expr"));
          while (variable.find()) {
            assertThat(variables(board)).contains(variable.group(1));
          }
        }
      }
    }
  }

  @Test
  void noSqlQueryFailsOnAnEmptyDatabase() throws Exception {
    try (Connection connection = migrated()) {
      int asked = 0;
      for (Boards.Query query : Boards.queries(ROOT)) {
        if (query.sql()) {
          ask(connection, query);
          asked++;
        }
      }
      assertThat(asked).isGreaterThan(30);
    }
  }

  @Test
  void aRenamedColumnIsNoticed() throws Exception {
    try (Connection connection = migrated()) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("reset role");
        statement.execute("alter view dash.trial rename column top1_accuracy to top1");
        statement.execute("set role espalier_dash");
      }
      assertThatThrownBy(
              () -> {
                for (Boards.Query query : Boards.queries(ROOT)) {
                  if (query.sql()) {
                    ask(connection, query);
                  }
                }
              })
          .hasMessageContaining("top1_accuracy");
    }
  }

  @Test
  void noPrometheusQueryFailsOnAnEmptyStore() throws Exception {
    try (Prometheus prometheus = Prometheus.start(directory, Map.of())) {
      int asked = 0;
      for (Boards.Query query : Boards.queries(ROOT)) {
        if (!query.sql()) {
          assertThat(prometheus.range(query.with(NOTHING))).as(query.where()).isNotNull();
          asked++;
        }
      }
      assertThat(asked).isGreaterThan(40);
    }
  }

  private static void ask(Connection connection, Boards.Query query) {
    try (Statement statement = connection.createStatement()) {
      statement.executeQuery(query.with(NOTHING)).close();
    } catch (SQLException e) {
      throw new AssertionError(query.where() + ": " + e.getMessage(), e);
    }
  }

  /** A connection of the boards' role. */
  private static Connection migrated() throws Exception {
    Connection connection = Migrated.database().getConnection();
    try (Statement statement = connection.createStatement()) {
      statement.execute("set role espalier_dash");
    }
    return connection;
  }

  private static Set<String> variables(JsonNode board) {
    Set<String> names = new HashSet<>();
    board.path("templating").path("list").forEach(v -> names.add(v.path("name").asText()));
    return names;
  }

  private static Path root() {
    Path path = Path.of("").toAbsolutePath();
    while (!Files.exists(path.resolve("LICENSE"))) {
      path = path.getParent();
    }
    return path;
  }
}
