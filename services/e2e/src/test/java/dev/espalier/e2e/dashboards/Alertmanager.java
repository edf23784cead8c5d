package dev.espalier.e2e.dashboards;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;

/** Debian's Alertmanager on a free port; skipped where it is not installed. */
final class Alertmanager implements AutoCloseable {

  private static final Path PROGRAM = Path.of("/usr/bin/prometheus-alertmanager");

  private final DebianServer server;

  private Alertmanager(DebianServer server) {
    this.server = server;
  }

  static Alertmanager start(Path directory) throws IOException, InterruptedException {
    Files.createDirectories(directory);
    Path config =
        Files.writeString(
            directory.resolve("alertmanager.yml"),
            "route: {receiver: nobody, group_wait: 1s}\nreceivers: [{name: nobody}]\n");
    return new Alertmanager(
        DebianServer.start(
            PROGRAM,
            directory,
            "--config.file=" + config,
            "--storage.path=" + directory.resolve("data"),
            "--cluster.listen-address="));
  }

  String address() {
    return server.address();
  }

  /** Names of the alerts that are raised now. */
  Set<String> raised() throws IOException, InterruptedException {
    JsonNode alerts = new ObjectMapper().readTree(server.get("/api/v2/alerts?active=true"));
    Set<String> names = new TreeSet<>();
    alerts.forEach(alert -> names.add(alert.path("labels").path("alertname").asText()));
    return names;
  }

  @Override
  public void close() {
    server.close();
  }
}
