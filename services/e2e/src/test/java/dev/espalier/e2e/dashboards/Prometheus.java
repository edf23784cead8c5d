package dev.espalier.e2e.dashboards;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Debian's Prometheus on a free port; a test that needs it is skipped where it is not installed.
 */
public final class Prometheus implements AutoCloseable {

  private static final Path PROGRAM = Path.of("/usr/bin/prometheus");
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpClient http = HttpClient.newHttpClient();
  private final Process process;
  private final String address;

  private Prometheus(Process process, String address) {
    this.process = process;
    this.address = address;
  }

  static void assumeInstalled() {
    assumeTrue(Files.isExecutable(PROGRAM), "prometheus is not installed");
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
    String address = "127.0.0.1:" + freePort();
    Process process =
        new ProcessBuilder(
                PROGRAM.toString(),
                "--config.file=" + file,
                "--storage.tsdb.path=" + directory.resolve("data"),
                "--web.listen-address=" + address)
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("prometheus.log").toFile())
            .start();
    Prometheus prometheus = new Prometheus(process, address);
    for (int tries = 0; tries < 300; tries++) {
      try {
        prometheus.get("/-/ready");
        return prometheus;
      } catch (IOException notYet) {
        Thread.sleep(200);
      }
    }
    prometheus.close();
    throw new AssertionError(Files.readString(directory.resolve("prometheus.log")));
  }

  static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
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
    return JSON.readTree(get(path)).path("data").path("result");
  }

  private String get(String path) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://" + address + path))
            .timeout(Duration.ofSeconds(20))
            .build();
    HttpResponse<String> response = http.send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException(path + " answered " + response.statusCode() + " " + response.body());
    }
    return response.body();
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
