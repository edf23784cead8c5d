package dev.espalier.e2e.dashboards;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;

/**
 * Debian's Prometheus on a free port; a test that needs it is skipped where it is not installed.
 */
public final class Prometheus implements AutoCloseable {

  private static final Path PROGRAM = Path.of("/usr/bin/prometheus");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final DebianServer server;

  private Prometheus(DebianServer server) {
    this.server = server;
  }

  static void assumeInstalled() {
    DebianServer.assumeInstalled(PROGRAM);
  }

  /**
   * @param jobs addresses to scrape by job
   */
  public static Prometheus start(Path directory, Map<String, String> jobs) throws Exception {
    return start(directory, jobs, "");
  }

  /**
   * As above, with rules that are evaluated every second and an Alertmanager that hears of them.
   */
  static Prometheus start(Path directory, Map<String, String> jobs, Path rules, String alertmanager)
      throws Exception {
    return start(
        directory,
        jobs,
        """
        rule_files: ['%s']
        alerting: {alertmanagers: [{static_configs: [{targets: ['%s']}]}]}
        """
            .formatted(rules, alertmanager));
  }

  private static Prometheus start(Path directory, Map<String, String> jobs, String more)
      throws Exception {
    assumeInstalled();
    StringBuilder config =
        new StringBuilder("global: {scrape_interval: 1s, evaluation_interval: 1s}\n")
            .append(more)
            .append("scrape_configs:\n");
    if (jobs.isEmpty()) {
      config.append("  []\n");
    }
    jobs.forEach(
        (job, target) ->
            config.append(
                """
                  - {job_name: '%s', metrics_path: /q/metrics, static_configs: [{targets: ['%s']}]}
                """
                    .formatted(job, target)));
    Files.createDirectories(directory);
    Path file = Files.writeString(directory.resolve("prometheus.yml"), config);
    return new Prometheus(
        DebianServer.start(
            PROGRAM,
            directory,
            "--config.file=" + file,
            "--storage.tsdb.path=" + directory.resolve("data")));
  }

  /** The series of a query over the last 15 minutes, as Grafana asks for them. */
  public JsonNode range(String query) throws IOException, InterruptedException {
    Instant now = Instant.now();
    String path =
        "/api/v1/query_range?query=%s&start=%d&end=%d&step=5"
            .formatted(
                URLEncoder.encode(query, StandardCharsets.UTF_8),
                now.minus(Duration.ofMinutes(15)).getEpochSecond(),
                now.getEpochSecond() + 1);
    return JSON.readTree(server.get(path)).path("data").path("result");
  }

  @Override
  public void close() {
    server.close();
  }
}
