package dev.espalier.e2e.repository;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** {@code docker-compose.yml} against what the services really read, listen on and need. */
class ComposeFileTest {

  private static final List<String> APPLICATIONS =
      List.of("scheduler", "trainer", "redistributor", "evaluator");

  private static Map<String, Object> compose;
  private static Map<String, Object> services;

  @BeforeAll
  static void parse() throws IOException {
    Load yaml = new Load(LoadSettings.builder().setAllowDuplicateKeys(false).build());
    compose =
        map(yaml.loadFromString(Files.readString(Repository.root().resolve("docker-compose.yml"))));
    services = map(compose.get("services"));
  }

  @Test
  void runsEveryServiceOfTheRepositoryAndWhatTheyStandOn() {
    assertThat(services.keySet())
        .containsExactlyInAnyOrder(
            "kafka", "postgres", "scheduler", "trainer", "redistributor", "evaluator");
  }

  @Test
  void everyVariableIsASettingThatTheServiceReads() throws Exception {
    for (String application : APPLICATIONS) {
      Set<String> known =
          ServiceSettings.of(application).stream()
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
      assertThat(map(build.get("args"))).containsEntry("SERVICE", application);
      assertThat(Repository.root().resolve("services/" + application + "/pom.xml")).exists();
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
                  .resolve("services/" + application + "/target/quarkus-app/quarkus-run.jar"))
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
                      assertThat(map(services.get(dependency)))
                          .as(dependency)
                          .containsKey("healthcheck");
                    });
          }
          for (Object volume : list(map(service).get("volumes"))) {
            assertThat(volumes).contains(((String) volume).split(":")[0]);
          }
          for (Object port : list(map(service).get("ports"))) {
            String[] parts = ((String) port).split(":");
            assertThat(parts[0]).as("published on loopback only").isEqualTo("127.0.0.1");
            assertThat(environment(name)).containsEntry("QUARKUS_HTTP_PORT", parts[2]);
          }
        });
  }

  @Test
  void heartbeatsComeSeveralTimesWithinALease() {
    long lease = seconds(environment("scheduler").get("ESPALIER_LEASE_DURATION"));
    for (String worker : APPLICATIONS.subList(1, 4)) {
      assertThat(seconds(environment(worker).get("ESPALIER_HEARTBEAT_INTERVAL")) * 3)
          .isLessThan(lease);
    }
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
        .allMatch(value -> value.toString().startsWith("${ESPALIER_DB_PASSWORD:?"));
  }

  private static long seconds(String duration) {
    return Long.parseLong(duration.replaceAll("s$", ""));
  }

  /** The variable that MicroProfile Config reads for a property. */
  private static String variable(String property) {
    return property.replaceAll("[^A-Za-z0-9]", "_").toUpperCase(Locale.ROOT);
  }

  /** Variables of a service; Compose's merge key {@code <<} is followed by hand. */
  private static Map<String, String> environment(String service) {
    Map<String, String> variables = new java.util.LinkedHashMap<>();
    Map<String, Object> declared = map(map(services.get(service)).get("environment"));
    declared.forEach(
        (key, value) -> {
          if (key.equals("<<")) {
            map(value).forEach((inner, innerValue) -> variables.put(inner, innerValue.toString()));
          }
        });
    declared.forEach(
        (key, value) -> {
          if (!key.equals("<<")) {
            variables.put(key, value.toString());
          }
        });
    return variables;
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
