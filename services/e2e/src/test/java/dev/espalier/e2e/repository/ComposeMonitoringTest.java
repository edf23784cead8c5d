package dev.espalier.e2e.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** What watches the services under Compose: scrape targets, data sources, boards, secrets. */
class ComposeMonitoringTest {

  private static final Path COMPOSE = Repository.root().resolve("deploy/compose");
  private static final List<String> BOARDS = List.of("sweep", "trial", "platform", "resources");

  private static Map<String, Object> services;

  @TempDir Path scratch;

  @BeforeAll
  static void parse() throws IOException {
    services = map(map(yaml(Repository.root().resolve("docker-compose.yml"))).get("services"));
  }

  @Test
  void everyScrapeTargetIsAServiceAndItsPort() throws IOException {
    Map<String, String> ports = new TreeMap<>();
    for (String name :
        List.of("scheduler", "trainer", "trainer-gpu", "redistributor", "evaluator")) {
      ports.put(
          name,
          map(map(services.get(name)).get("environment")).get("QUARKUS_HTTP_PORT").toString());
    }
    Map<String, String> scraped = new TreeMap<>();
    for (Object entry : list(map(yaml(COMPOSE.resolve("prometheus.yml"))).get("scrape_configs"))) {
      Map<String, Object> job = map(entry);
      for (Object targets : list(job.get("dns_sd_configs"))) {
        assertThat(job).containsEntry("metrics_path", "/q/metrics");
        for (Object name : list(map(targets).get("names"))) {
          assertThat((String) name).startsWith((String) job.get("job_name"));
          scraped.put((String) name, map(targets).get("port").toString());
        }
      }
      for (Object targets : list(job.get("static_configs"))) {
        for (Object target : list(map(targets).get("targets"))) {
          assertThat(services).containsKey(target.toString().split(":")[0]);
        }
      }
    }
    assertThat(scraped).isEqualTo(ports);
  }

  @Test
  void prometheusAndAlertmanagerAcceptTheirFiles() throws Exception {
    assumeTrue(installed("promtool"), "promtool is not installed (Debian: prometheus)");
    assumeTrue(installed("amtool"), "amtool is not installed (Debian: prometheus-alertmanager)");
    Path password = Files.writeString(scratch.resolve("password"), "x");
    String config =
        Files.readString(COMPOSE.resolve("prometheus.yml"))
            .replace("/run/secrets/prometheus-password", password.toString())
            .replace(
                "/etc/prometheus/rules",
                Repository.root().resolve("deploy/prometheus/rules").toString());
    Path file = Files.writeString(scratch.resolve("prometheus.yml"), config);
    assertThat(run(scratch, "promtool", "check", "config", file.toString()))
        .contains("1 rule files found");
    assertThat(
            run(scratch, "amtool", "check-config", COMPOSE.resolve("alertmanager.yml").toString()))
        .contains("SUCCESS");
  }

  @Test
  void theDataSourcesAreThoseThatTheBoardsName() throws IOException {
    Map<String, String> provided = new TreeMap<>();
    Path file = COMPOSE.resolve("grafana/provisioning/datasources/espalier.yaml");
    for (Object source : list(map(yaml(file)).get("datasources"))) {
      provided.put((String) map(source).get("uid"), (String) map(source).get("type"));
      String host = ((String) map(source).get("url")).replaceAll("^http://|:\\d+$", "");
      assertThat(services).containsKey(host);
    }
    Map<String, String> asked = new TreeMap<>();
    Pattern reference =
        Pattern.compile(
            "\"type\": ?\"([a-z-]+)\",\\s*\"uid\": ?\"(espalier-(?:prom|post)[a-z]+)\"");
    for (String board : BOARDS) {
      Matcher found =
          reference.matcher(
              Files.readString(Repository.root().resolve("dashboards/" + board + ".json")));
      while (found.find()) {
        asked.put(found.group(2), found.group(1));
      }
    }
    assertThat(provided).isEqualTo(asked);
  }

  @Test
  void grafanaIsTheVersionOfTheBoardsTypesAndGetsEveryBoard() throws IOException {
    Map<String, Object> grafana = map(services.get("grafana"));
    String types = Files.readString(Repository.root().resolve("dashboards/package.json"));
    String image = (String) grafana.get("image");
    assertThat(types)
        .contains("\"@grafana/schema\": \"" + image.substring(image.indexOf(':') + 1) + "\"");
    for (String board : BOARDS) {
      assertThat(list(grafana.get("volumes")))
          .contains(
              "./dashboards/%1$s.json:/var/lib/grafana/dashboards/%1$s.json:ro".formatted(board));
    }
    Map<String, Object> provider =
        map(
            list(map(yaml(COMPOSE.resolve("grafana/provisioning/dashboards/espalier.yaml")))
                    .get("providers"))
                .get(0));
    assertThat(map(provider.get("options"))).containsEntry("path", "/var/lib/grafana/dashboards");
  }

  @Test
  void secretsAreMadeOnceAndFitWhatReadsThem() throws Exception {
    assumeTrue(installed("openssl"), "openssl is not installed");
    Path script = scratch.resolve("deploy/compose/secrets");
    Files.createDirectories(script.getParent());
    Files.copy(COMPOSE.resolve("secrets"), script, StandardCopyOption.COPY_ATTRIBUTES);

    String said = run(scratch, script.toString());
    Path made = scratch.resolve("deploy/compose/private");
    assertThat(said).contains("deploy/compose/private/me.txt");
    assertThat(Files.getPosixFilePermissions(made))
        .as("nobody else on this machine enters")
        .allMatch(permission -> permission.name().startsWith("OWNER_"));
    assertThat(Files.getPosixFilePermissions(made.resolve("users")))
        .as("containers run as other users")
        .contains(PosixFilePermission.OTHERS_READ);
    assertThat(Files.readAllLines(made.resolve("users")))
        .satisfiesExactly(
            me -> assertThat(me).matches("me:\\$6\\$[^:]+:operator:"),
            prometheus -> assertThat(prometheus).matches("prometheus:\\$6\\$[^:]+:viewer:"));
    assertThat(said).doesNotContain(Files.readString(made.resolve("me.txt")).strip());
    String env = Files.readString(scratch.resolve(".env"));
    Matcher wanted =
        Pattern.compile("\\$\\{(\\w+):\\?")
            .matcher(Files.readString(Repository.root().resolve("docker-compose.yml")));
    while (wanted.find()) {
      assertThat(env).containsPattern("(?m)^" + wanted.group(1) + "=[0-9a-f]{40}$");
    }
    for (Object secret :
        map(map(yaml(Repository.root().resolve("docker-compose.yml"))).get("secrets")).values()) {
      assertThat(scratch.resolve((String) map(secret).get("file"))).exists();
    }

    String users = Files.readString(made.resolve("users"));
    assertThat(run(scratch, script.toString())).startsWith("kept:");
    assertThat(Files.readString(made.resolve("users"))).isEqualTo(users);
    assertThat(Files.readString(scratch.resolve(".env"))).isEqualTo(env);
  }

  private static boolean installed(String program) {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
  }

  /** What a command prints; it must end well. */
  private static String run(Path directory, String... command) throws Exception {
    Process process =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  private static Object yaml(Path file) throws IOException {
    return new Load(LoadSettings.builder().setAllowDuplicateKeys(false).build())
        .loadFromString(Files.readString(file));
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(Object value) {
    return value == null ? Map.of() : (Map<String, Object>) value;
  }

  @SuppressWarnings("unchecked")
  private static List<Object> list(Object value) {
    return value == null ? List.of() : (List<Object>) value;
  }
}
