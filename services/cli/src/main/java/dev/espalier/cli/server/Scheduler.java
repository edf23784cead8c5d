package dev.espalier.cli.server;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.architecture.files.FileLimits;
import dev.espalier.cli.BadInput;
import dev.espalier.cli.CommandFailed;
import dev.espalier.sweep.spec.Violation;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;

/**
 * The scheduler's REST interface. Answers are JSON trees: the command line shows them and adds
 * nothing. A refusal with violations becomes {@link BadInput}, any other {@link CommandFailed}.
 */
public final class Scheduler {

  /** Thrown where nothing answers; whoever watches may try again. */
  public static final class Unreachable extends IOException {
    private static final long serialVersionUID = 1;

    Unreachable(String message) {
      super(message);
    }
  }

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern LOOPBACK = Pattern.compile("localhost|127(\\.\\d{1,3}){3}|\\[::1]");
  private static final Duration CONNECT = Duration.ofSeconds(5);
  private static final Duration ANSWER = Duration.ofSeconds(60);

  private final URI base;
  private final HttpClient http;
  private final Credentials credentials;

  /** One that asks for no credentials, as the local installation's. */
  public Scheduler(String address) {
    this(address, Credentials.NONE);
  }

  public Scheduler(String address, Credentials credentials) {
    String trimmed = address.strip().replaceAll("/+$", "");
    try {
      this.base = URI.create(trimmed.contains("://") ? trimmed : "http://" + trimmed);
    } catch (IllegalArgumentException e) {
      throw new BadInput("--server", "an address such as http://127.0.0.1:7410", address);
    }
    if (base.getHost() == null || !List.of("http", "https").contains(base.getScheme())) {
      throw new BadInput("--server", "an address such as http://127.0.0.1:7410", address);
    }
    if (credentials.authorization().isPresent()
        && !base.getScheme().equals("https")
        && !LOOPBACK.matcher(base.getHost()).matches()) {
      throw new BadInput(
          "--server", "an https address, because credentials are sent to it", address);
    }
    this.credentials = credentials;
    HttpClient.Builder builder =
        HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT);
    credentials.trust().ifPresent(builder::sslContext);
    this.http = builder.build();
  }

  public String address() {
    return base.toString();
  }

  /** Submits the text of a sweep, YAML or JSON, as it is. */
  public JsonNode submit(byte[] text, int run) {
    return ask(
        request("/sweeps" + (run > 0 ? "?run=" + run : ""))
            .header("Content-Type", "application/yaml")
            .POST(BodyPublishers.ofByteArray(text)));
  }

  public JsonNode get(String path) {
    return ask(request(path).GET());
  }

  /** Empty where there is no such thing. */
  public Optional<JsonNode> find(String path) {
    HttpResponse<byte[]> response = send(request(path).GET());
    return response.statusCode() == 404 ? Optional.empty() : Optional.of(answer(response));
  }

  /** As {@link #get}, for whoever can wait out a restart of the scheduler. */
  public JsonNode poll(String path) throws Unreachable {
    HttpResponse<byte[]> response;
    try {
      response = http.send(request(path).GET().build(), BodyHandlers.ofByteArray());
    } catch (IOException e) {
      throw new Unreachable(unreachable());
    } catch (InterruptedException e) {
      throw interrupted();
    }
    if (response.statusCode() >= 500) {
      throw new Unreachable("the scheduler answers " + response.statusCode());
    }
    return answer(response);
  }

  public JsonNode post(String path) {
    return ask(request(path).POST(BodyPublishers.noBody()));
  }

  public void delete(String path) {
    ask(request(path).DELETE());
  }

  /** As {@link #post(String)}, for what takes its time. */
  public JsonNode post(String path, Duration limit) {
    return ask(request(path).timeout(limit).POST(BodyPublishers.noBody()));
  }

  /** Uploads a file; answers its digest. One that is too long is not sent first. */
  public String upload(Path file) {
    try {
      long bytes = Files.size(file);
      if (bytes > FileLimits.UPLOAD_BYTES) {
        throw new BadInput(
            "file",
            "at most %d bytes".formatted(FileLimits.UPLOAD_BYTES),
            "%s of %d bytes".formatted(file, bytes));
      }
      return upload(BodyPublishers.ofFile(file));
    } catch (IOException e) {
      throw new BadInput("file", "a file that can be read", file + " (" + e.getMessage() + ")");
    }
  }

  public String upload(byte[] bytes) {
    return upload(BodyPublishers.ofByteArray(bytes));
  }

  private String upload(BodyPublisher body) {
    return ask(request("/artifacts")
            .timeout(Duration.ofMinutes(30))
            .header("Content-Type", "application/octet-stream")
            .POST(body))
        .path("sha256")
        .asText();
  }

  /**
   * Gives an uploaded file a name.
   *
   * @param collection "models" or "datasets"
   */
  public JsonNode register(String collection, String name, String sha256, boolean replace) {
    String body = JSON.createObjectNode().put("artifact", sha256).toString();
    return ask(
        request("/" + collection + "/" + encoded(name) + (replace ? "?replace=true" : ""))
            .header("Content-Type", "application/json")
            .PUT(BodyPublishers.ofString(body)));
  }

  /** Writes an answer's bytes to a file, in one step. */
  public void download(String path, Path file) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      HttpResponse<InputStream> response =
          http.send(request(path).GET().build(), BodyHandlers.ofInputStream());
      try (InputStream body = response.body()) {
        if (response.statusCode() != 200) {
          throw refusal(response.statusCode(), body.readAllBytes());
        }
        Path part = file.resolveSibling(file.getFileName() + ".part");
        Files.copy(body, part, StandardCopyOption.REPLACE_EXISTING);
        Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      throw new CommandFailed("cannot write %s: %s".formatted(file, e.getMessage()));
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  public static String encoded(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private HttpRequest.Builder request(String path) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(base + "/api/v1" + path))
            .timeout(ANSWER)
            .header("Accept", "*/*");
    credentials.authorization().ifPresent(value -> request.header("Authorization", value));
    return request;
  }

  private JsonNode ask(HttpRequest.Builder request) {
    return answer(send(request));
  }

  private HttpResponse<byte[]> send(HttpRequest.Builder request) {
    try {
      return http.send(request.build(), BodyHandlers.ofByteArray());
    } catch (SSLException e) {
      throw new CommandFailed(
          "the scheduler at %s is not trusted (%s); name its certificate authority with --ca-file"
              .formatted(base, e.getMessage()));
    } catch (IOException e) {
      throw new CommandFailed(unreachable());
    } catch (InterruptedException e) {
      throw interrupted();
    }
  }

  private JsonNode answer(HttpResponse<byte[]> response) {
    if (response.statusCode() / 100 != 2) {
      throw refusal(response.statusCode(), response.body());
    }
    try {
      return response.body().length == 0 ? JSON.createObjectNode() : JSON.readTree(response.body());
    } catch (IOException e) {
      throw new CommandFailed(base + " is no Espalier scheduler: its answer is not JSON");
    }
  }

  private RuntimeException refusal(int status, byte[] body) {
    JsonNode tree = JSON.createObjectNode();
    try {
      tree = JSON.readTree(body);
    } catch (JsonProcessingException notJson) {
      // The status says enough.
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    if (tree != null && tree.path("violations").isArray()) {
      List<Violation> violations = new ArrayList<>();
      for (JsonNode violation : tree.path("violations")) {
        violations.add(
            new Violation(
                violation.path("field").asText(),
                violation.path("expected").asText(),
                violation.path("found").asText()));
      }
      return new BadInput(violations);
    }
    if (status == 401) {
      return new CommandFailed(
          credentials.authorization().isEmpty()
              ? ("the scheduler at %s wants credentials: --user with ESPALIER_PASSWORD or"
                      + " --password-file, or --token-file")
                  .formatted(base)
              : "the scheduler at %s does not accept these credentials".formatted(base));
    }
    String error = tree == null ? "" : tree.path("error").asText("");
    return new CommandFailed(
        error.isEmpty() ? "the scheduler at %s answers %d".formatted(base, status) : error);
  }

  private String unreachable() {
    return "no answer from the scheduler at " + base;
  }

  private static CommandFailed interrupted() {
    Thread.currentThread().interrupt();
    return new CommandFailed("interrupted");
  }
}
