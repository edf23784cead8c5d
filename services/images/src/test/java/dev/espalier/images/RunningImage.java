package dev.espalier.images;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;

/** An image, unpacked and started in a {@code chroot} as its user, by its own entry point. */
final class RunningImage implements AutoCloseable {

  private static final Duration READY = Duration.ofMinutes(2);

  private final Path root;
  private final Path log;
  private final int port;
  private final Process process;

  /**
   * @param root where it is unpacked; does not exist
   * @param jdbcUrl of the scheduler's database
   */
  RunningImage(ImageTar image, Path root, String bootstrapServers, String jdbcUrl)
      throws IOException {
    this.root = root;
    log = Path.of(root + ".log");
    image.each(this::unpack);
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    JsonNode config = image.config();
    List<String> command =
        new ArrayList<>(
            List.of("chroot", "--userspec=" + config.path("User").asText(), root.toString()));
    config.path("Entrypoint").forEach(part -> command.add(part.asText()));
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    Map<String, String> environment = builder.environment();
    String path = environment.get("PATH");
    environment.clear();
    for (JsonNode variable : config.path("Env")) {
      String[] parts = variable.asText().split("=", 2);
      environment.put(parts[0], parts[1]);
    }
    // chroot itself is found on this machine's path; without /proc the loader finds no $ORIGIN.
    environment.put("PATH", path);
    environment.put("LD_LIBRARY_PATH", "/opt/java/lib:/opt/java/lib/server");
    environment.put("QUARKUS_HTTP_HOST", "127.0.0.1");
    environment.put("QUARKUS_HTTP_PORT", Integer.toString(port));
    environment.put("KAFKA_BOOTSTRAP_SERVERS", bootstrapServers);
    environment.put("QUARKUS_DATASOURCE_JDBC_URL", jdbcUrl);
    environment.put("QUARKUS_DATASOURCE_USERNAME", "postgres");
    environment.put("QUARKUS_DATASOURCE_PASSWORD", "postgres");
    process = builder.start();
  }

  private void unpack(TarArchiveEntry entry, InputStream content) throws IOException {
    Path file = root.resolve(entry.getName()).normalize();
    assertThat(file).startsWithRaw(root);
    if (entry.isDirectory()) {
      Files.createDirectories(file);
    } else {
      Files.createDirectories(file.getParent());
      Files.copy(content, file);
    }
    if ((entry.getMode() & 0111) != 0 && !file.toFile().setExecutable(true, false)) {
      throw new IOException("cannot make executable: " + file);
    }
    if (entry.getName().equals("tmp/") && !file.toFile().setWritable(true, false)) {
      throw new IOException("cannot make writable: " + file);
    }
    if (entry.getLongUserId() != 0) {
      Files.setAttribute(file, "unix:uid", (int) entry.getLongUserId());
    }
  }

  String address() {
    return "http://127.0.0.1:" + port;
  }

  void awaitReady() throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(address() + "/q/health/ready")).build();
    Instant deadline = Instant.now().plus(READY);
    String last = "no answer";
    while (process.isAlive() && Instant.now().isBefore(deadline)) {
      try {
        var answer = HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
        if (answer.statusCode() == 200) {
          return;
        }
        last = answer.body();
      } catch (IOException notYet) {
        last = notYet.toString();
      }
      Thread.sleep(200);
    }
    throw new AssertionError(
        "%s is not ready but %s\n%s"
            .formatted(
                root, process.isAlive() ? "says " + last : "has ended", Files.readString(log)));
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      process.destroyForcibly();
    }
  }
}
