package dev.espalier.e2e.dashboards;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.e2e.survival.Installation;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every query of the four boards on a Prometheus that scrapes the real services and on the database
 * of a real sweep, while it runs and after it. One trial of the sweep diverges, so that the boards
 * have a failure to show.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class WatchedSweepTest {

  private static final String SWEEP =
      """
      name: watched
      model: fashion-vit-96x6
      dataset: fashion-mnist-subset
      methods:
        - {name: magnitude}
        - {name: nvit, parameters: {interval: 1, chunksPerStep: 24}, redistribution: [smooth]}
      targets: {macs: [0.5]}
      seeds: [1]
      recipe: {epochs: 1, batchSize: 64, learningRate: 0.0005}
      evaluation: {batchSize: 32, runs: 5}
      """;

  private static final String DIVERGING =
      """
      name: diverging
      model: overflowing
      dataset: fashion-mnist-subset
      methods: [{name: magnitude}]
      targets: {macs: [0.5]}
      seeds: [2]
      recipe: {epochs: 1}
      """;

  /** Needs what this machine or this sweep rightly has not. */
  private static final Set<String> EMPTY =
      new TreeSet<>(Set.of("resources / GPU in use", "resources / GPU memory"));

  private static final Set<String> LABELS =
      Set.of("method", "stage", "outcome", "reason", "pool", "device", "topic", "result");

  /** What Micrometer and the histograms add. */
  private static final Set<String> FORMAT = Set.of("le", "quantile");

  private static final Set<String> FORBIDDEN = Set.of("sweep", "trial", "seed", "epoch", "step");

  @TempDir private static Path directory;

  private static Installation espalier;
  private static Prometheus prometheus;
  private static Alertmanager alertmanager;
  private static final Map<String, String> JOBS = new LinkedHashMap<>();

  @BeforeAll
  static void start() throws Exception {
    Prometheus.assumeInstalled();
    Path root = Installation.root();
    espalier = Installation.start(root, directory.resolve("data"), 1, Map.of());
    for (JsonNode child : espalier.state().path("children")) {
      String job = child.path("name").asText().replaceAll("-\\d+$", "");
      if (Set.of("scheduler", "trainer", "redistributor", "evaluator").contains(job)) {
        JOBS.put(job, "127.0.0.1:" + child.path("port").asInt());
      }
    }
    assertThat(JOBS).hasSize(4);
    alertmanager = Alertmanager.start(directory.resolve("alertmanager"));
    prometheus =
        Prometheus.start(
            directory.resolve("prometheus"),
            JOBS,
            LiveAlerts.impatientRules(directory.resolve("rules")),
            alertmanager.address());
    Path shipped = root.resolve("services/standalone/src/main/resources");
    espalier.register(
        "/models/fashion-vit-96x6", shipped.resolve("models/fashion-vit-96x6.safetensors"));
    espalier.register("/models/overflowing", overflowing(shipped));
    espalier.register(
        "/datasets/fashion-mnist-subset", shipped.resolve("datasets/fashion-mnist-subset.zip"));
  }

  /** The shipped model with a patch embedding whose sums are beyond what a float can hold. */
  private static Path overflowing(Path shipped) throws IOException {
    VitWeights model =
        ModelFile.read(Files.readAllBytes(shipped.resolve("models/fashion-vit-96x6.safetensors")));
    Arrays.fill(model.tensor("patch_embed.proj.weight").values(), 3e38f);
    return Files.write(directory.resolve("overflowing.safetensors"), ModelFile.write(model));
  }

  @AfterAll
  static void stop() {
    if (prometheus != null) {
      prometheus.close();
    }
    if (alertmanager != null) {
      alertmanager.close();
    }
    if (espalier != null) {
      espalier.close();
    }
  }

  @Test
  @Order(1)
  void boardsShowTheSweepWhileItRunsAndWhatItsReportSays() throws Exception {
    String diverging = espalier.post("/sweeps", DIVERGING).path("sweepId").asText();
    awaitEnd(diverging, Duration.ofMinutes(8));
    assertThat(espalier.get("/sweeps/" + diverging).path("trials").path("failed").asInt())
        .isEqualTo(1);
    String sweep = espalier.post("/sweeps", SWEEP).path("sweepId").asText();
    Map<String, Integer> seen = new TreeMap<>();
    try (Connection database = DriverManager.getConnection(espalier.state().path("jdbc").asText());
        Statement statement = database.createStatement()) {
      statement.execute("set role espalier_dash");
      espalier.await(
          "the sweep ends",
          Duration.ofMinutes(15),
          () -> {
            ask(statement, sweep, seen);
            Thread.sleep(2000);
            return ended(sweep);
          });
      ask(statement, diverging, seen);
      Set<String> empty =
          seen.entrySet().stream()
              .filter(e -> e.getValue() == 0)
              .map(Map.Entry::getKey)
              .collect(Collectors.toCollection(TreeSet::new));
      assertThat(empty).as("queries that never had data").isEqualTo(EMPTY);
      equalsTheReport(statement, sweep);
    }
    for (var job : JOBS.entrySet()) {
      checkSeries(job.getKey(), job.getValue(), Set.of(sweep, diverging));
    }
  }

  @Test
  @Order(2)
  void whatBreaksIsRaisedAtAlertmanager() throws Exception {
    new LiveAlerts(espalier, prometheus, alertmanager)
        .raiseAll(DIVERGING.replace("diverging", "unpublished"));
  }

  private static boolean ended(String sweep) throws Exception {
    return espalier.get("/sweeps/" + sweep).path("state").asText().equals("COMPLETED");
  }

  private static void awaitEnd(String sweep, Duration within) {
    espalier.await("sweep " + sweep + " ends", within, () -> ended(sweep));
  }

  /** Remembers for each query the most rows or series that it has given. */
  private static void ask(Statement statement, String sweep, Map<String, Integer> seen)
      throws Exception {
    List<String> trials = new ArrayList<>();
    try (var rows =
        statement.executeQuery(
            "select trial_id from dash.trial where sweep_id = '" + sweep + "'")) {
      while (rows.next()) {
        trials.add(rows.getString(1));
      }
    }
    String worker = "";
    try (var rows =
        statement.executeQuery("select worker_id from dash.worker where service = 'trainer'")) {
      while (rows.next()) {
        worker = rows.getString(1);
      }
    }
    Map<String, String> variables =
        Map.of("sweep", sweep, "trial", String.join("','", trials), "worker", worker, "job", ".*");
    Map<String, Integer> queriesOfPanel = new TreeMap<>();
    for (Boards.Query query : Boards.queries(Installation.root())) {
      int number = queriesOfPanel.merge(query.where(), 1, Integer::sum);
      String name = query.where() + (number == 1 ? "" : " #" + number);
      String text = query.with(variables);
      int rows = query.sql() ? rows(statement, name, query.chart(), text) : series(name, text);
      seen.merge(name, rows, Math::max);
    }
  }

  /** Rows with at least one value; a panel over time has its time first. */
  private static int rows(Statement statement, String name, String chart, String text)
      throws SQLException {
    int count = 0;
    try (var rows = statement.executeQuery(text)) {
      var columns = rows.getMetaData();
      if (chart.equals("timeseries") || chart.equals("state-timeline")) {
        assertThat(columns.getColumnLabel(1)).as(name).isEqualTo("time");
        assertThat(columns.getColumnTypeName(1)).as(name).isEqualTo("timestamptz");
      }
      if (chart.equals("xychart")) {
        assertThat(columns.getColumnCount()).as(name).isEqualTo(3);
        assertThat(columns.getColumnTypeName(1)).as(name).isEqualTo("text");
      }
      while (rows.next()) {
        boolean value = false;
        for (int i = 1; i <= columns.getColumnCount(); i++) {
          value |= rows.getObject(i) != null;
        }
        count += value ? 1 : 0;
      }
    } catch (SQLException e) {
      throw new AssertionError(name + ": " + e.getMessage(), e);
    }
    return count;
  }

  /** Series with at least one number in them. */
  private static int series(String name, String text) throws Exception {
    int count = 0;
    for (JsonNode series : prometheus.range(text)) {
      boolean number = false;
      for (JsonNode value : series.path("values")) {
        number |= Double.isFinite(Double.parseDouble(value.path(1).asText()));
      }
      count += number ? 1 : 0;
    }
    return count;
  }

  /** The numbers on the boards are those of the status and of the report. */
  private static void equalsTheReport(Statement statement, String sweep) throws Exception {
    JsonNode status = espalier.get("/sweeps/" + sweep);
    JsonNode results = espalier.get("/sweeps/" + sweep + "/results");
    String where = " where sweep_id = '" + sweep + "'";
    try (var row =
        statement.executeQuery(
            "select state, progress, planned, running, succeeded, failed from dash.sweep"
                + where)) {
      assertThat(row.next()).isTrue();
      assertThat(row.getString(1)).isEqualTo(status.path("state").asText());
      assertThat(row.getDouble(2)).isEqualTo(1);
      JsonNode trials = status.path("trials");
      assertThat(List.of(row.getInt(3), row.getInt(4), row.getInt(5), row.getInt(6)))
          .isEqualTo(
              List.of(
                  trials.path("planned").asInt(),
                  trials.path("running").asInt(),
                  trials.path("succeeded").asInt(),
                  trials.path("failed").asInt()));
      assertThat(trials.path("succeeded").asInt()).isEqualTo(2);
    }
    double best = 0;
    for (JsonNode trial : results.path("trials")) {
      JsonNode measured = trial.path("measurements");
      best = Math.max(best, measured.path("top1_accuracy").asDouble());
      try (var row =
          statement.executeQuery(
              "select top1_accuracy, macs, params, latency_p50_ms from dash.trial"
                  + where
                  + " and trial_id = '"
                  + trial.path("trialId").asText()
                  + "'")) {
        assertThat(row.next()).isTrue();
        int column = 0;
        for (String name : List.of("top1_accuracy", "macs", "params", "latency_p50_ms")) {
          assertThat(measured.path(name).isNumber()).as(name + " in " + measured).isTrue();
          assertThat(row.getDouble(++column))
              .as(name)
              .isCloseTo(measured.path(name).asDouble(), within(1e-9));
        }
      }
    }
    assertThat(status.path("best").path("top1Accuracy").asDouble()).isEqualTo(best);
    try (var row = statement.executeQuery("select max(top1_accuracy) from dash.trial" + where)) {
      assertThat(row.next()).isTrue();
      assertThat(row.getDouble(1)).isEqualTo(best);
    }
  }

  /** At most 2,000 series, whose labels are a fixed few and name no sweep. */
  private static void checkSeries(String job, String address, Set<String> sweeps) throws Exception {
    HttpResponse<String> metrics =
        HttpClient.newHttpClient()
            .send(
                HttpRequest.newBuilder(URI.create("http://" + address + "/q/metrics")).build(),
                HttpResponse.BodyHandlers.ofString());
    List<String> series =
        metrics.body().lines().filter(line -> !line.startsWith("#") && !line.isBlank()).toList();
    assertThat(series.size()).as("series of " + job).isBetween(20, 2000);
    for (String line : series) {
      Set<String> labels = labels(line);
      assertThat(labels).as(line).doesNotContainAnyElementsOf(FORBIDDEN);
      assertThat(sweeps).as(line).noneMatch(line::contains);
      if (line.startsWith("espalier_")) {
        labels.removeAll(LABELS);
        labels.removeAll(FORMAT);
        assertThat(labels).as("labels beyond the allowed in " + line).isEmpty();
      }
    }
  }

  private static Set<String> labels(String line) {
    Set<String> labels = new TreeSet<>();
    int open = line.indexOf('{');
    if (open >= 0) {
      for (String pair : line.substring(open + 1, line.lastIndexOf('}')).split(",(?=[a-z_]+=\")")) {
        if (!pair.isBlank()) {
          labels.add(pair.substring(0, pair.indexOf('=')));
        }
      }
    }
    return labels;
  }
}
