package dev.espalier.e2e.dashboards;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/** Debian's Alertmanager on a free port; skipped where it is not installed. */
final class Alertmanager implements AutoCloseable {

  private static final Path PROGRAM = Path.of("/usr/bin/prometheus-alertmanager");

  private final HttpClient http = HttpClient.newHttpClient();
  private final Process process;
  private final String address;

  private Alertmanager(Process process, String address) {
    this.process = process;
    this.address = address;
  }

  static Alertmanager start(Path directory) throws IOException {
    assumeTrue(Files.isExecutable(PROGRAM), "prometheus-alertmanager is not installed");
    Files.createDirectories(directory);
    Path config =
        Files.writeString(
            directory.resolve("alertmanager.yml"),
            "route: {receiver: nobody, group_wait: 1s}\nreceivers: [{name: nobody}]\n");
    String address = "127.0.0.1:" + Prometheus.freePort();
    return new Alertmanager(
        new ProcessBuilder(
                PROGRAM.toString(),
                "--config.file=" + config,
                "--storage.path=" + directory.resolve("data"),
                "--web.listen-address=" + address,
                "--cluster.listen-address=")
            .redirectErrorStream(true)
            .redirectOutput(directory.resolve("alertmanager.log").toFile())
            .start(),
        address);
  }

  String address() {
    return address;
  }

  /** Names of the alerts that are raised now. */
  Set<String> raised() throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://" + address + "/api/v2/alerts?active=true"))
            .timeout(Duration.ofSeconds(10))
            .build();
    JsonNode alerts =
        new ObjectMapper()
            .readTree(http.send(request, HttpResponse.BodyHandlers.ofString()).body());
    Set<String> names = new TreeSet<>();
    alerts.forEach(alert -> names.add(alert.path("labels").path("alertname").asText()));
    return names;
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
