package dev.espalier.e2e.helm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.marcnuri.helm.Helm;
import dev.espalier.e2e.repository.Repository;
import dev.espalier.e2e.repository.ServiceSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The chart, rendered by a real Helm engine and held against typed models of every kind. */
class HelmChartTest {

  private static final Path CHART = Repository.root().resolve("deploy/helm/espalier");

  /** The least that an installation must say. */
  private static final String PLAIN =
      """
      image: {repository: registry.example/espalier}
      kafka: {bootstrapServers: "kafka:9093", secretName: kafka-client}
      postgres: {jdbcUrl: "jdbc:postgresql://db/espalier", secretName: db}
      security: {issuer: "https://id.example/realms/lab", tlsSecretName: tls}
      store: {claimName: artifacts}
      """;

  private static final String USERS =
      PLAIN.replace("issuer: \"https://id.example/realms/lab\"", "usersSecretName: users");

  private static final String OPEN_TO_NEIGHBOURS =
      PLAIN + "network: {clientNamespace: ingress, prometheusNamespace: monitoring}\n";

  private static final String WATCHED =
      USERS
          + """
          network: {prometheusNamespace: monitoring}
          monitoring:
            mode: prometheus-operator
            secretName: espalier-viewer
            labels: {release: prometheus}
          """;

  private static final String GPU =
      PLAIN
          + """
          pools:
            - name: a100
              service: trainer
              replicas: 3
              gpus: 1
              threads: 1
              nodeSelector: {gpu: a100}
              tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
              resources:
                requests: {cpu: "4", memory: 16Gi}
                limits: {memory: 16Gi}
          """;

  private static final String FULL =
      GPU.replace("tlsSecretName: tls", "usersSecretName: users, tlsSecretName: tls")
          + "network: {clientNamespace: ingress, prometheusNamespace: monitoring}\n"
          + "scheduler: {replicas: 3}\n"
          + "drainSeconds: 120\n"
          + "monitoring: {mode: prometheus-operator, secretName: espalier-viewer}\n";

  private static final String IN_A_BUCKET =
      PLAIN.replace(
          "store: {claimName: artifacts}",
          "store: {s3: {bucket: artifacts, endpoint: \"https://s3.example\", secretName: s3}}");

  @TempDir private Path directory;

  static List<String> forms() {
    return List.of(PLAIN, USERS, OPEN_TO_NEIGHBOURS, WATCHED, GPU, FULL, IN_A_BUCKET);
  }

  @ParameterizedTest
  @MethodSource("forms")
  void everyFormIsValidToTheLastField(String values) throws IOException {
    List<Map<String, Object>> manifests = render(CHART, values);

    assertThat(manifests).hasSizeGreaterThan(6);
    assertThat(manifests).flatExtracting(StrictManifest::problems).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("forms")
  void everyPodIsRestrictedAndHasProbesAndTimeForACheckpoint(String values) throws IOException {
    for (Map<String, Object> deployment : deployments(render(CHART, values))) {
      Map<String, Object> pod = map(map(map(deployment, "spec"), "template"), "spec");
      assertThat(pod).containsEntry("automountServiceAccountToken", false);
      assertThat(map(pod, "securityContext")).containsEntry("runAsNonRoot", true);
      Map<String, Object> container = container(pod);
      assertThat(map(container, "securityContext"))
          .containsEntry("readOnlyRootFilesystem", true)
          .containsEntry("allowPrivilegeEscalation", false)
          .containsEntry("capabilities", Map.of("drop", List.of("ALL")));
      assertThat(container).containsKeys("startupProbe", "livenessProbe", "readinessProbe");
      Map<String, String> variables = variables(container);
      if (variables.containsKey("ESPALIER_DRAIN_LIMIT")) {
        int drain = Integer.parseInt(variables.get("ESPALIER_DRAIN_LIMIT").replace("s", ""));
        assertThat((Integer) pod.get("terminationGracePeriodSeconds")).isGreaterThan(drain);
      } else {
        assertThat(variables).containsEntry("ESPALIER_SECURITY_MODE", "secured");
      }
      assertThat(map(map(deployment, "spec"), "selector").get("matchLabels"))
          .as("a selector that misses its pods")
          .isEqualTo(map(map(map(map(deployment, "spec"), "template"), "metadata"), "labels"));
    }
  }

  @ParameterizedTest
  @MethodSource("forms")
  void everyVariableIsASettingThatTheServiceReads(String values) throws Exception {
    for (Map<String, Object> deployment : deployments(render(CHART, values))) {
      Map<String, Object> container =
          container(map(map(map(deployment, "spec"), "template"), "spec"));
      Set<String> known =
          ServiceSettings.of((String) container.get("name")).stream()
              .map(name -> name.replaceAll("[^A-Za-z0-9]", "_").toUpperCase(Locale.ROOT))
              .collect(Collectors.toSet());
      Set<String> used = new HashSet<>(variables(container).keySet());
      used.removeIf(name -> name.startsWith("QUARKUS_HTTP_") || name.equals("DJL_CACHE_DIR"));
      assertThat(known).as("%s", container.get("name")).containsAll(used);
    }
  }

  @Test
  void aBucketTakesTheClaimsPlace() throws IOException {
    for (Map<String, Object> deployment : deployments(render(CHART, IN_A_BUCKET))) {
      Map<String, Object> pod = map(map(map(deployment, "spec"), "template"), "spec");
      assertThat(variables(container(pod)))
          .containsEntry("S3_BUCKET", "artifacts")
          .containsEntry("S3_ENDPOINT", "https://s3.example")
          .containsEntry("S3_PATH_STYLE", "true")
          .containsKeys("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY");
      assertThat(pod.get("volumes").toString())
          .contains("name=store, emptyDir=")
          .doesNotContain("persistentVolumeClaim");
    }
    assertThat(render(CHART, PLAIN).toString()).doesNotContain("S3_");
    assertThatThrownBy(() -> render(CHART, IN_A_BUCKET.replace("bucket: artifacts, ", "")))
        .hasMessageContaining("store");
    assertThatThrownBy(() -> render(CHART, PLAIN.replace("artifacts}", "\"\"}")))
        .hasMessageContaining("store");
  }

  @Test
  void graphicsCardsAreAskedForByValue() throws IOException {
    Map<String, Object> pod =
        map(
            map(
                map(
                    deployments(render(CHART, GPU)).stream()
                        .filter(d -> map(d, "metadata").get("name").equals("lab-trainer-a100"))
                        .findFirst()
                        .orElseThrow(),
                    "spec"),
                "template"),
            "spec");

    assertThat(map(map(container(pod), "resources"), "limits")).containsEntry("nvidia.com/gpu", 1);
    assertThat(map(pod, "nodeSelector")).containsEntry("gpu", "a100");
    assertThat((List<?>) pod.get("tolerations")).hasSize(1);
    assertThat(variables(container(pod))).containsEntry("ESPALIER_WORKER_DEVICE", "gpu0");
  }

  @Test
  void anOperatorsPrometheusFindsTheServicesByTheJobsOfTheRules() throws IOException {
    List<Map<String, Object>> manifests = render(CHART, WATCHED);

    Map<String, Object> scheduler = only(manifests, "ServiceMonitor");
    assertThat(map(scheduler, "metadata").get("labels").toString()).contains("release=prometheus");
    Map<String, Object> endpoint = map(((List<?>) map(scheduler, "spec").get("endpoints")).get(0));
    assertThat(endpoint.get("relabelings").toString()).contains("job").contains("scheduler");
    Map<String, Object> service = only(manifests, "Service");
    assertThat(map(map(scheduler, "spec"), "selector").get("matchLabels"))
        .as("a selector that misses the service")
        .isEqualTo(map(service, "metadata").get("labels"));
    assertThat(((List<?>) map(service, "spec").get("ports")).toString())
        .contains("name=" + endpoint.get("port"));

    // Workers' job is their container's name, and their port's name is the monitor's.
    Map<String, Object> workers =
        map(
            ((List<?>) map(only(manifests, "PodMonitor"), "spec").get("podMetricsEndpoints"))
                .get(0));
    for (Map<String, Object> deployment : deployments(manifests)) {
      Map<String, Object> container =
          container(map(map(map(deployment, "spec"), "template"), "spec"));
      assertThat(List.of("scheduler", "trainer", "redistributor", "evaluator"))
          .contains((String) container.get("name"));
      if (!container.get("name").equals("scheduler")) {
        assertThat(container.get("ports").toString()).contains("name=" + workers.get("port"));
      }
    }
  }

  @Test
  void rulesAndBoardsAreTheOnesOfTheRepository() throws IOException {
    List<Map<String, Object>> manifests = render(CHART, WATCHED);

    Load yaml = new Load(LoadSettings.builder().build());
    Path rules = Repository.root().resolve("deploy/prometheus/rules/espalier.yml");
    assertThat(only(manifests, "PrometheusRule").get("spec"))
        .isEqualTo(yaml.loadFromString(Files.readString(rules)));
    Map<String, String> boards = new HashMap<>();
    manifests.stream()
        .filter(manifest -> manifest.get("kind").equals("ConfigMap"))
        .forEach(
            board -> map(board, "data").forEach((name, text) -> boards.put(name, text.toString())));
    for (String name : List.of("sweep.json", "trial.json", "platform.json", "resources.json")) {
      assertThat(boards.remove(name))
          .as(name)
          .isEqualToIgnoringNewLines(
              Files.readString(Repository.root().resolve("dashboards/" + name)));
    }
    assertThat(boards).isEmpty();
    assertThat(render(CHART, PLAIN)).extracting(m -> m.get("kind")).doesNotContain("ConfigMap");
  }

  @ParameterizedTest
  @CsvSource({
    "'usersSecretName: users', 'issuer: \"https://id.example\"', usersSecretName",
    "'secretName: espalier-viewer', 'caKey: ca.crt', secretName",
    "'prometheusNamespace: monitoring', 'clientNamespace: x', prometheusNamespace"
  })
  void whatMonitoringNeedsIsAskedForByName(String given, String instead, String missing) {
    assertThatThrownBy(() -> render(CHART, WATCHED.replace(given, instead)))
        .hasMessageContaining(missing);
  }

  private static Map<String, Object> only(List<Map<String, Object>> manifests, String kind) {
    List<Map<String, Object>> found =
        manifests.stream().filter(manifest -> manifest.get("kind").equals(kind)).toList();
    assertThat(found).as(kind).hasSize(1);
    return found.get(0);
  }

  @ParameterizedTest
  @CsvSource({
    "bootstrapServers, bootstrapServer",
    "claimName, claim",
    "image:, images:",
    "'service: trainer', 'service: trainr'",
    "'key: nvidia', 'keys: nvidia'"
  })
  void aMisspeltValueIsRefusedByName(String right, String wrong) {
    String misspelt = wrong.replaceAll(".*?([A-Za-z]+):?.*", "$1");
    assertThat(GPU).contains(right);

    assertThatThrownBy(() -> render(CHART, GPU.replace(right, wrong)))
        .hasMessageContaining(wrong.contains("trainr") ? "/pools/0/service" : misspelt);
  }

  @Test
  void anInstallationThatLetsAnyoneInIsRefused() {
    assertThatThrownBy(
            () -> render(CHART, PLAIN.replace("issuer: \"https://id.example/realms/lab\", ", "")))
        .hasMessageContaining("security");
    assertThatThrownBy(() -> render(CHART, "{}")).hasMessageContaining("bootstrapServers");
  }

  @ParameterizedTest
  @CsvSource({
    "scheduler.yaml, readinessProbe:, readynessProbe:",
    "workers.yaml, terminationGracePeriodSeconds:, terminationGraceSeconds:",
    "workers.yaml, 'fieldPath:', 'fieldpath:'",
    "_helpers.tpl, allowPrivilegeEscalation:, allowPriviledgeEscalation:",
    "network.yaml, podSelector:, podSelectors:",
    "monitoring.yaml, relabelings:, relabelling:",
    "monitoring.yaml, podMetricsEndpoints:, podMetricEndpoints:"
  })
  void aFieldMisspeltInATemplateIsFound(String template, String right, String wrong)
      throws IOException {
    Path copy = directory.resolve("espalier");
    copy(CHART, copy);
    Path file = copy.resolve("templates/" + template);
    assertThat(Files.readString(file)).contains(right);
    Files.writeString(file, Files.readString(file).replace(right, wrong));

    assertThat(render(copy, FULL))
        .flatExtracting(StrictManifest::problems)
        .anyMatch(problem -> problem.contains(wrong.replace(":", "")));
  }

  private List<Map<String, Object>> render(Path chart, String values) throws IOException {
    Path file = Files.writeString(directory.resolve("values.yaml"), values);
    String rendered =
        new Helm(chart)
            .template()
            .withName("lab")
            .withKubeVersion("1.31.0")
            .withValuesFile(file)
            .call();
    Load yaml = new Load(LoadSettings.builder().setAllowDuplicateKeys(false).build());
    List<Map<String, Object>> manifests = new ArrayList<>();
    for (Object document : yaml.loadAllFromString(rendered)) {
      if (document != null) {
        manifests.add(map(document));
      }
    }
    return manifests;
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.createDirectories(to.resolve(from.relativize(file).toString()).getParent());
        if (Files.isRegularFile(file)) {
          Files.copy(file, to.resolve(from.relativize(file).toString()));
        }
      }
    }
  }

  private static List<Map<String, Object>> deployments(List<Map<String, Object>> manifests) {
    return manifests.stream().filter(m -> m.get("kind").equals("Deployment")).toList();
  }

  private static Map<String, Object> container(Map<String, Object> pod) {
    return map(((List<?>) pod.get("containers")).get(0));
  }

  /** Variables by name; empty where the value comes from elsewhere. */
  private static Map<String, String> variables(Map<String, Object> container) {
    return ((List<?>) container.get("env"))
        .stream()
            .map(HelmChartTest::map)
            .collect(
                Collectors.toMap(
                    variable -> (String) variable.get("name"),
                    variable -> String.valueOf(variable.getOrDefault("value", ""))));
  }

  private static Map<String, Object> map(Map<String, Object> parent, String name) {
    return map(parent.get(name));
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> map(Object value) {
    return (Map<String, Object>) value;
  }
}
