package dev.espalier.e2e.repository;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** {@code docker-compose.yml} against what the services really read, listen on and need. */
class ComposeFileTest {

  private static final List<String> APPLICATIONS =
      List.of("scheduler", "trainer", "trainer-gpu", "redistributor", "evaluator");

  private static final List<String> STANDS_ON =
      List.of(
          "kafka",
          "postgres",
          "dash-reader",
          "kafka-exporter",
          "prometheus",
          "alertmanager",
          "grafana");

  private static Map<String, Object> compose;
  private static Map<String, Object> services;

  @BeforeAll
  static void parse() throws IOException {
    Load yaml = new Load(LoadSettings.builder().setAllowDuplicateKeys(false).build());
    String text = Files.readString(Repository.root().resolve("docker-compose.yml"));
    compose = map(merged(yaml.loadFromString(text)));
    services = map(compose.get("services"));
  }

  @Test
  void runsEveryServiceOfTheRepositoryAndWhatTheyStandOn() {
    List<String> expected = new ArrayList<>(APPLICATIONS);
    expected.addAll(STANDS_ON);
    assertThat(services.keySet()).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(list(map(services.get("trainer-gpu")).get("profiles"))).containsExactly("gpu");
  }

  @Test
  void everyContainerIsPinnedLimitedAndWithoutPrivileges() {
    services.forEach(
        (name, service) -> {
          Map<String, Object> container = map(service);
          assertThat(container).as(name).containsKeys("mem_limit", "restart");
          assertThat(list(container.get("cap_drop"))).as(name).containsExactly("ALL");
          assertThat(list(container.get("security_opt")))
              .as(name)
              .containsExactly("no-new-privileges:true");
          if (!name.equals("dash-reader")) { // which runs once
            assertThat(container).as(name).containsKey("healthcheck");
          }
          if (container.get("image") instanceof String image) {
            assertThat(image).as(name).matches("[a-z.]+/[a-z/-]+:v?\\d+(\\.\\d+)+");
          }
        });
  }

  @Test
  void theReadinessCheckAsksTheServicesOwnPort() throws Exception {
    List<Object> command = list(map(map(services.get("trainer")).get("healthcheck")).get("test"));
    AtomicInteger status = new AtomicInteger(200);
    List<String> asked = new CopyOnWriteArrayList<>();
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext(
        "/",
        exchange -> {
          asked.add(exchange.getRequestURI().getPath());
          exchange.sendResponseHeaders(status.get(), -1);
          exchange.close();
        });
    server.start();
    try {
      assertThat(healthcheck(command, server.getAddress().getPort())).isZero();
      assertThat(asked).containsOnly("/q/health/ready");
      status.set(503);
      assertThat(healthcheck(command, server.getAddress().getPort())).isNotZero();
    } finally {
      server.stop(0);
    }
    assertThat(healthcheck(command, server.getAddress().getPort())).isNotZero();
  }

  private static int healthcheck(List<Object> test, int port) throws Exception {
    assertThat(test.get(0)).isEqualTo("CMD");
    List<String> command =
        test.stream().skip(1).map(word -> word.toString().replace("$$", "$")).toList();
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("QUARKUS_HTTP_PORT", String.valueOf(port));
    return builder.redirectErrorStream(true).start().waitFor();
  }

  @Test
  void dockerfilesOfTheCpuAndOfTheGpuPackTheSame() throws IOException {
    String cuda = Files.readString(Repository.root().resolve("deploy/images/Dockerfile.cuda"));
    assertThat(cuda)
        .contains("services/${SERVICE}/target/quarkus-app/")
        .contains("quarkus-run.jar")
        .contains("USER 10001");
    String pom = Files.readString(Repository.root().resolve("pom.xml"));
    String library = cuda.replaceAll("(?s).*PYTORCH_VERSION=(\\S+).*", "$1");
    assertThat(cuda).contains("pytorch/pytorch:" + library + "-cuda");
    assertThat(pom).contains("<pytorch.version>" + library + "</pytorch.version>");
  }

  @Test
  void everyVariableIsASettingThatTheServiceReads() throws Exception {
    for (String application : APPLICATIONS) {
      Set<String> known =
          ServiceSettings.of(module(application)).stream()
              .map(ComposeFileTest::variable)
              .collect(Collectors.toSet());
      assertThat(known)
          .as("variables of %s", application)
          .containsAll(environment(application).keySet());
    }
  }

  @Test
  void everyApplicationIsBuiltFromItsOwnPackage() {
    for (String application : APPLICATIONS) {
      Map<String, Object> build = map(map(services.get(application)).get("build"));
      assertThat(
              Repository.root()
                  .resolve((String) build.get("context"))
                  .resolve((String) build.get("dockerfile")))
          .exists();
      assertThat(map(build.get("args"))).containsEntry("SERVICE", module(application));
    }
  }

  @Test
  void theImageStartsTheFileThatTheBuildMakes() throws IOException {
    String recipe = Files.readString(Repository.root().resolve("deploy/images/Dockerfile"));
    assertThat(recipe)
        .contains("services/${SERVICE}/target/quarkus-app/")
        .contains("quarkus-run.jar");
    for (String application : APPLICATIONS) {
      assertThat(
              Repository.root()
                  .resolve(
                      "services/" + module(application) + "/target/quarkus-app/quarkus-run.jar"))
          .exists();
    }
  }

  @Test
  void everyApplicationSharesOneStoreAndFindsTheBroker() {
    for (String application : APPLICATIONS) {
      assertThat(environment(application))
          .containsEntry("KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
          .containsEntry("ESPALIER_STORE", "/var/lib/espalier/store");
      assertThat(list(map(services.get(application)).get("volumes")))
          .contains("store:/var/lib/espalier");
    }
  }

  @Test
  void everyDependencyVolumeAndPublishedPortExists() {
    Set<String> volumes = map(compose.get("volumes")).keySet();
    services.forEach(
        (name, service) -> {
          Object dependsOn = map(service).get("depends_on");
          if (dependsOn != null) {
            map(dependsOn)
                .forEach(
                    (dependency, condition) -> {
                      assertThat(services).containsKey(dependency);
                      if (map(condition).containsValue("service_healthy")) {
                        assertThat(map(services.get(dependency)))
                            .as(dependency)
                            .containsKey("healthcheck");
                      }
                    });
          }
          for (Object volume : list(map(service).get("volumes"))) {
            String source = ((String) volume).split(":")[0];
            if (source.startsWith("./")) {
              assertThat(Repository.root().resolve(source)).as(name).exists();
              assertThat((String) volume).as("what is mounted is not written to").endsWith(":ro");
            } else {
              assertThat(volumes).contains(source);
            }
          }
          for (Object port : list(map(service).get("ports"))) {
            String[] parts = ((String) port).split(":");
            assertThat(parts[0]).as("published on loopback only").isEqualTo("127.0.0.1");
            if (APPLICATIONS.contains(name)) {
              assertThat(environment(name)).containsEntry("QUARKUS_HTTP_PORT", parts[2]);
            }
          }
          for (Object secret : list(map(service).get("secrets"))) {
            assertThat(map(compose.get("secrets"))).as(name).containsKey((String) secret);
          }
        });
  }

  @Test
  void heartbeatsComeSeveralTimesWithinALease() {
    long lease = seconds(environment("scheduler").get("ESPALIER_LEASE_DURATION"));
    for (String worker : APPLICATIONS.subList(1, APPLICATIONS.size())) {
      assertThat(seconds(environment(worker).get("ESPALIER_HEARTBEAT_INTERVAL")) * 3)
          .isLessThan(lease);
    }
  }

  /** An evaluation waits for its host to be idle; a container's own name would be no host. */
  @Test
  void allWorkersAreOnOneHostBesideWhichNoSpeedIsMeasured() {
    Set<String> hosts = new HashSet<>();
    for (String worker : APPLICATIONS.subList(1, APPLICATIONS.size())) {
      assertThat(environment(worker)).as(worker).containsKey("ESPALIER_WORKER_HOST");
      hosts.add(environment(worker).get("ESPALIER_WORKER_HOST"));
    }
    assertThat(hosts).containsExactly("${ESPALIER_HOST:-compose}");
  }

  @Test
  void theBrokersVersionIsTheOneWeBuildAgainst() throws IOException {
    String pom = Files.readString(Repository.root().resolve("pom.xml"));
    String image = (String) map(services.get("kafka")).get("image");
    assertThat(pom)
        .contains("<kafka.version>" + image.substring(image.indexOf(':') + 1) + "</kafka.version>");
  }

  @Test
  void theSchedulerAsksForCredentialsFromASecretThatExists() {
    assertThat(environment("scheduler"))
        .containsEntry("ESPALIER_SECURITY_MODE", "secured")
        .containsEntry("ESPALIER_SECURITY_USERS", "/run/secrets/users");
    assertThat(list(map(services.get("scheduler")).get("secrets"))).containsExactly("users");
    assertThat(map(compose.get("secrets"))).containsKey("users");
  }

  @Test
  void noPasswordIsWrittenDown() {
    Set<Object> secrets = new HashSet<>();
    services.forEach(
        (name, service) ->
            environment(name)
                .forEach(
                    (key, value) -> {
                      if (key.contains("PASSWORD")) {
                        secrets.add(value);
                      }
                    }));
    assertThat(secrets)
        .isNotEmpty()
        .allMatch(value -> value.toString().matches("\\$\\{ESPALIER_\\w+:\\?.*|/run/secrets/.*"));
  }

  private static long seconds(String duration) {
    return Long.parseLong(duration.replaceAll("s$", ""));
  }

  /** The variable that MicroProfile Config reads for a property. */
  private static String variable(String property) {
    return property.replaceAll("[^A-Za-z0-9]", "_").toUpperCase(Locale.ROOT);
  }

  /** The module that a service of the file runs. */
  private static String module(String service) {
    return service.equals("trainer-gpu") ? "trainer" : service;
  }

  private static Map<String, String> environment(String service) {
    Map<String, String> variables = new LinkedHashMap<>();
    map(map(services.get(service)).get("environment"))
        .forEach((key, value) -> variables.put(key, value.toString()));
    return variables;
  }

  /** With Compose's merge keys {@code <<} followed: what stands beside one wins. */
  private static Object merged(Object node) {
    if (node instanceof List<?> items) {
      return items.stream().map(ComposeFileTest::merged).toList();
    }
    if (!(node instanceof Map<?, ?>)) {
      return node;
    }
    Map<String, Object> declared = map(node);
    Map<String, Object> all = new LinkedHashMap<>(map(merged(declared.get("<<"))));
    declared.forEach(
        (key, value) -> {
          if (!key.equals("<<")) {
            all.put(key, merged(value));
          }
        });
    return all;
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(Object value) {
    return value == null ? Map.of() : (Map<String, Object>) value;
  }

  @SuppressWarnings("unchecked")
  private static List<Object> list(Object value) {
    return value == null ? new ArrayList<>() : (List<Object>) value;
  }
}
