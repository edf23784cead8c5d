package dev.espalier.e2e.survival;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;

/**
 * The embedded installation as {@code ./espalier up} runs it: broker, PostgreSQL and the packaged
 * services as processes under their supervisor. Ends with this object.
 */
public final class Installation implements AutoCloseable {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path home;
  private final Path directory;
  private final Process supervisor;
  private final List<Process> replicas = new ArrayList<>();
  private final HttpClient http = HttpClient.newHttpClient();

  private Installation(Path home, Path directory, Process supervisor) {
    this.home = home;
    this.directory = directory;
    this.supervisor = supervisor;
  }

  /**
   * @param home the checkout, with everything packaged
   * @param settings variables for all processes
   */
  public static Installation start(
      Path home, Path directory, int trainers, Map<String, String> settings) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            java(),
            "-Xmx64m",
            "-jar",
            home.resolve("services/standalone/target/espalier-standalone-run.jar").toString(),
            "--home",
            home.toString(),
            "--data-dir",
            directory.toString(),
            "--trainers",
            Integer.toString(trainers),
            "--leashed");
    builder.environment().putAll(settings);
    Files.createDirectories(directory);
    builder.redirectErrorStream(true).redirectOutput(directory.resolve("supervisor.out").toFile());
    Installation installation = new Installation(home, directory, builder.start());
    try {
      installation.await(
          "the installation is ready",
          Duration.ofMinutes(4),
          () -> installation.state().path("phase").asText().equals("READY"));
      return installation;
    } catch (RuntimeException | Error e) {
      installation.close();
      throw e;
    }
  }

  /** Another scheduler beside the supervised one, on the same broker and database. */
  void addScheduler(Map<String, String> settings) throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
            java(),
            "-Xmx384m",
            "-Djava.net.preferIPv4Stack=true",
            "-Dquarkus.http.port=0",
            "-Dkafka.bootstrap.servers=" + state().path("kafka").asText(),
            "-Dquarkus.datasource.jdbc.url=" + state().path("jdbc").asText(),
            "-Dquarkus.datasource.username=postgres",
            "-Dquarkus.datasource.password=postgres",
            "-Despalier.store=" + directory.resolve("store"),
            "-Despalier.lease.duration=12s",
            "-jar",
            home.resolve("services/scheduler/target/quarkus-app/quarkus-run.jar").toString());
    builder.environment().putAll(settings);
    Path log = directory.resolve("second-scheduler.out");
    builder.redirectErrorStream(true).redirectOutput(log.toFile());
    replicas.add(builder.start());
    await(
        "the second scheduler is up",
        Duration.ofMinutes(1),
        () -> Files.readString(log).contains("Listening on"));
  }

  private static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  public JsonNode state() throws IOException {
    Path file = directory.resolve("run/state.json");
    return Files.exists(file) ? JSON.readTree(Files.readString(file)) : JSON.createObjectNode();
  }

  String kafka() throws IOException {
    return state().path("kafka").asText();
  }

  private JsonNode child(String name) throws IOException {
    for (JsonNode child : state().path("children")) {
      if (child.path("name").asText().equals(name)) {
        return child;
      }
    }
    throw new IllegalStateException("there is no child " + name + " in " + state());
  }

  int restarts(String child) throws IOException {
    return child(child).path("restarts").asInt();
  }

  /** Of the process that runs now. */
  public long pid(String child) throws IOException {
    return child(child).path("pid").asLong();
  }

  /** {@code kill -9}. */
  public void kill(String child) throws IOException {
    process(child).destroyForcibly();
  }

  /** SIGTERM, as from whoever rolls out a new version; the supervisor starts another. */
  void drain(String child) throws IOException {
    process(child).destroy();
  }

  private ProcessHandle process(String child) throws IOException {
    return ProcessHandle.of(pid(child)).orElseThrow();
  }

  /** Uploads the file and registers it under that path. */
  public void register(String path, Path file) throws IOException, InterruptedException {
    JsonNode artifact =
        send(
            request("/artifacts")
                .timeout(Duration.ofSeconds(60))
                .POST(HttpRequest.BodyPublishers.ofFile(file)));
    String body = "{\"artifact\":\"" + artifact.path("sha256").asText() + "\"}";
    send(
        request(path)
            .header("Content-Type", "application/json")
            .PUT(HttpRequest.BodyPublishers.ofString(body)));
  }

  public JsonNode post(String path, String body) throws IOException, InterruptedException {
    return send(request(path).POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  /** Whatever is answered to this body, refusals too. */
  HttpResponse<String> answer(String path, String body) throws IOException, InterruptedException {
    return http.send(
        request(path).POST(HttpRequest.BodyPublishers.ofString(body)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  public JsonNode get(String path) throws IOException, InterruptedException {
    return send(request(path).GET());
  }

  /** A body that is not JSON. */
  String text(String path) throws IOException, InterruptedException {
    HttpResponse<String> response =
        http.send(request(path).GET().build(), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException(response.uri() + " answered " + response.statusCode());
    }
    return response.body();
  }

  private HttpRequest.Builder request(String path) throws IOException {
    return HttpRequest.newBuilder(URI.create(state().path("server").asText() + "/api/v1" + path))
        .timeout(Duration.ofSeconds(20));
  }

  private JsonNode send(HttpRequest.Builder request) throws IOException, InterruptedException {
    HttpResponse<String> response =
        http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() >= 300) {
      throw new IOException(
          response.uri() + " answered " + response.statusCode() + ": " + response.body());
    }
    return JSON.readTree(response.body());
  }

  /** First column of the first row. */
  long number(String sql) throws SQLException, IOException {
    try (Connection connection = DriverManager.getConnection(state().path("jdbc").asText());
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      rows.next();
      return rows.getLong(1);
    }
  }

  /** First column of all rows. */
  List<String> texts(String sql) throws SQLException, IOException {
    try (Connection connection = DriverManager.getConnection(state().path("jdbc").asText());
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      List<String> texts = new ArrayList<>();
      while (rows.next()) {
        texts.add(rows.getString(1));
      }
      return texts;
    }
  }

  /** Polls; errors count as not yet, the last one is told at the deadline. */
  public void await(String what, Duration within, Callable<Boolean> condition) {
    long deadline = System.nanoTime() + within.toNanos();
    Exception last = null;
    while (System.nanoTime() < deadline) {
      try {
        if (condition.call()) {
          return;
        }
        last = null;
        if (!supervisor.isAlive()) {
          break;
        }
      } catch (Exception e) {
        last = e;
      }
      try {
        Thread.sleep(100);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    throw new AssertionError("not within " + within + ": " + what + tails(), last);
  }

  /** The ends of all logs, for the message of a failed test. */
  private String tails() {
    StringBuilder text = new StringBuilder();
    try (var files = Files.walk(directory, 2)) {
      for (Path log : files.filter(f -> f.toString().matches(".*\\.(out|log)")).toList()) {
        String content = Files.readString(log);
        text.append("\n---- ").append(log.getFileName()).append('\n');
        text.append(content, Math.max(0, content.length() - 3000), content.length());
      }
    } catch (IOException e) {
      text.append(e);
    }
    return text.toString();
  }

  @Override
  public void close() {
    for (Process replica : replicas) {
      replica.destroy();
    }
    supervisor.destroy();
    List<Process> all = new ArrayList<>(replicas);
    all.add(supervisor);
    for (Process process : all) {
      try {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
          process.descendants().forEach(ProcessHandle::destroyForcibly);
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }

  public static Path root() {
    return Arrays.stream(new String[] {"", "..", "../.."})
        .map(up -> Path.of(up).toAbsolutePath().normalize())
        .filter(path -> Files.exists(path.resolve("LICENSE")))
        .findFirst()
        .orElseThrow();
  }
}
