package dev.espalier.e2e.dashboards;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.espalier.standalone.embedded.FreePort;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A server of a Debian package, which answers over HTTP on a free port until it is closed. */
final class DebianServer implements AutoCloseable {

  private final HttpClient http = HttpClient.newHttpClient();
  private final Process process;
  private final Path log;
  private final String address;

  private DebianServer(Process process, Path log, String address) {
    this.process = process;
    this.log = log;
    this.address = address;
  }

  /** Skips the test, and says so, where the program is missing. */
  static void assumeInstalled(Path program) {
    assumeTrue(Files.isExecutable(program), program.getFileName() + " is not installed");
  }

  /** Returns when it is ready; its log is {@code server.log} in the directory. */
  static DebianServer start(Path program, Path directory, String... options)
      throws IOException, InterruptedException {
    assumeInstalled(program);
    String address = "127.0.0.1:" + FreePort.find();
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(List.of(options));
    command.add("--web.listen-address=" + address);
    Path log = directory.resolve("server.log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    DebianServer server = new DebianServer(process, log, address);
    server.awaitReady();
    return server;
  }

  private void awaitReady() throws IOException, InterruptedException {
    for (int tries = 0; tries < 300 && process.isAlive(); tries++) {
      try {
        get("/-/ready");
        return;
      } catch (IOException notYet) {
        Thread.sleep(200);
      }
    }
    close();
    throw new AssertionError(Files.readString(log));
  }

  String address() {
    return address;
  }

  /** The body of an answer of 200. */
  String get(String path) throws IOException, InterruptedException {
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
