package dev.espalier.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The tars as {@code docker load} would read them, and one of them run without an engine. */
class ImagesTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path IMAGES = Path.of("target/images");
  private static final Pattern NAME = Pattern.compile("espalier-(.*)\\.tar");

  @TempDir private Path directory;

  /** Those that were asked for. */
  static List<String> services() throws IOException {
    try (Stream<Path> files = Files.list(IMAGES)) {
      List<String> services =
          files
              .map(file -> NAME.matcher(file.getFileName().toString()))
              .filter(Matcher::matches)
              .map(name -> name.group(1))
              .sorted()
              .toList();
      assertThat(services).contains("redistributor");
      return services;
    }
  }

  @ParameterizedTest
  @MethodSource("services")
  void saysWhoRunsItAndWhatItIs(String service) throws IOException {
    JsonNode config = config(service).path("config");

    assertThat(config.path("User").asText()).isEqualTo("10001:10001");
    assertThat(config.path("Entrypoint").path(0).asText()).isEqualTo("/opt/java/bin/java");
    assertThat(config.path("Entrypoint").path(4).asText())
        .isEqualTo("/opt/espalier/quarkus-run.jar");
    assertThat(config.path("Labels").path("org.opencontainers.image.title").asText())
        .isEqualTo("espalier-" + service);
    assertThat(config.path("Labels").path("org.opencontainers.image.licenses").asText())
        .isEqualTo("Apache-2.0");
    assertThat(config.path("Labels").path("org.opencontainers.image.version").asText())
        .isNotBlank();
    for (JsonNode variable : config.path("Env")) {
      assertThat(variable.asText()).doesNotMatch("(?i).*(password|secret|token|key).*");
    }
  }

  @ParameterizedTest
  @MethodSource("services")
  void holdsTheServiceAndNoShellNoSecretAndNothingThatGrantsRights(String service)
      throws IOException {
    Map<String, TarArchiveEntry> files = new LinkedHashMap<>();
    for (byte[] layer : layers(service)) {
      each(layer, (entry, content) -> files.put("/" + entry.getName(), entry));
    }

    assertThat(files)
        .containsKeys(
            "/opt/java/bin/java", "/opt/espalier/quarkus-run.jar", "/lib64/ld-linux-x86-64.so.2");
    assertThat(files.keySet()).anyMatch(name -> name.endsWith("/libc.so.6"));
    assertThat(files.keySet())
        .noneMatch(name -> name.matches(".*/(sh|bash|apt|dpkg|curl)"))
        .noneMatch(name -> name.matches(".*(\\.env|\\.key|id_rsa|me\\.txt|users)"))
        .noneMatch(name -> name.matches("/(root|home|work|build)/.*"));
    files.forEach(
        (name, entry) -> {
          assertThat(entry.getMode() & 06000).as("set-id bit of " + name).isZero();
          if (!name.equals("/tmp/") && !entry.isSymbolicLink()) {
            assertThat(entry.getMode() & 0002).as("anyone may write " + name).isZero();
          }
        });
    assertThat(files.get("/var/lib/espalier/store/").getLongUserId()).isEqualTo(10001);
  }

  @ParameterizedTest
  @MethodSource("services")
  void saysWhichLibrariesItHolds(String service) throws IOException {
    List<String> jars = new ArrayList<>();
    List<JsonNode> found = new ArrayList<>();
    for (byte[] layer : layers(service)) {
      each(
          layer,
          (entry, content) -> {
            if (entry.getName().matches("opt/espalier/lib/main/.+")) {
              jars.add(entry.getName().substring("opt/espalier/lib/main/".length()));
            } else if (entry.getName().equals("opt/espalier/sbom.cdx.json")) {
              found.add(JSON.readTree(content.readAllBytes()));
            }
          });
    }

    assertThat(found).hasSize(1);
    JsonNode sbom = found.get(0);
    assertThat(sbom.path("bomFormat").asText()).isEqualTo("CycloneDX");
    assertThat(sbom.path("metadata").path("component").path("name").asText())
        .isEqualTo("espalier-" + service);
    TreeSet<String> listed = new TreeSet<>();
    for (JsonNode component : sbom.path("components")) {
      listed.add(
          "%s.%s-%s"
              .formatted(
                  component.path("group").asText(),
                  component.path("name").asText(),
                  component.path("version").asText()));
      assertThat(component.path("hashes").isEmpty()).as("no digest of " + component).isFalse();
    }
    assertThat(jars).hasSizeGreaterThan(50);
    assertThat(jars)
        .allSatisfy(
            jar ->
                assertThat(listed)
                    .as("libraries listed, of which " + jar)
                    .anyMatch(jar::startsWith));
  }

  @Test
  void startsAsItsUserWithNothingOfTheMachineBeneathIt() throws Exception {
    assumeTrue(System.getProperty("user.name").equals("root"), "chroot needs root");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    for (byte[] layer : layers("redistributor")) {
      unpack(layer);
    }
    JsonNode config = config("redistributor").path("config");
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    List<String> command =
        new ArrayList<>(
            List.of("chroot", "--userspec=" + config.path("User").asText(), directory.toString()));
    config.path("Entrypoint").forEach(part -> command.add(part.asText()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    Path log = Files.createTempFile("image", ".log");
    builder.redirectOutput(log.toFile());
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
    environment.put("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1");
    Process process = builder.start();
    try {
      assertThat(alive(port, process)).as(Files.readString(log)).isTrue();
    } finally {
      process.destroy();
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      Files.delete(log);
    }
  }

  private static boolean alive(int port, Process process) throws Exception {
    Instant deadline = Instant.now().plus(Duration.ofMinutes(2));
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/q/health/live")).build();
    while (process.isAlive() && Instant.now().isBefore(deadline)) {
      try {
        return HttpClient.newHttpClient()
                .send(request, HttpResponse.BodyHandlers.discarding())
                .statusCode()
            == 200;
      } catch (IOException notYet) {
        Thread.sleep(200);
      }
    }
    return false;
  }

  private interface Visitor {
    void visit(TarArchiveEntry entry, InputStream content) throws IOException;
  }

  private static JsonNode config(String service) throws IOException {
    Map<String, byte[]> image = image(service);
    JsonNode manifest = JSON.readTree(image.get("manifest.json")).path(0);
    return JSON.readTree(image.get(manifest.path("Config").asText()));
  }

  private static List<byte[]> layers(String service) throws IOException {
    Map<String, byte[]> image = image(service);
    List<byte[]> layers = new ArrayList<>();
    for (JsonNode name : JSON.readTree(image.get("manifest.json")).path(0).path("Layers")) {
      layers.add(image.get(name.asText()));
    }
    assertThat(layers).hasSize(4);
    return layers;
  }

  private static Map<String, byte[]> image(String service) throws IOException {
    Map<String, byte[]> files = new LinkedHashMap<>();
    try (InputStream file = Files.newInputStream(IMAGES.resolve("espalier-" + service + ".tar"))) {
      TarArchiveInputStream tar = new TarArchiveInputStream(new BufferedInputStream(file));
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        ByteArrayOutputStream content = new ByteArrayOutputStream((int) entry.getSize());
        tar.transferTo(content);
        files.put(entry.getName(), content.toByteArray());
      }
    }
    return files;
  }

  private static void each(byte[] layer, Visitor visitor) throws IOException {
    TarArchiveInputStream tar =
        new TarArchiveInputStream(new GZIPInputStream(new ByteArrayInputStream(layer)));
    for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
      visitor.visit(entry, tar);
    }
  }

  private void unpack(byte[] layer) throws IOException {
    each(
        layer,
        (entry, content) -> {
          Path file = directory.resolve(entry.getName()).normalize();
          assertThat(file).startsWithRaw(directory);
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
        });
  }
}
