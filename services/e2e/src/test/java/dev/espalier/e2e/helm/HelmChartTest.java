package dev.espalier.e2e.helm;

import static dev.espalier.e2e.helm.Chart.DIRECTORY;
import static dev.espalier.e2e.helm.Chart.PLAIN;
import static dev.espalier.e2e.helm.Chart.container;
import static dev.espalier.e2e.helm.Chart.copy;
import static dev.espalier.e2e.helm.Chart.deployments;
import static dev.espalier.e2e.helm.Chart.map;
import static dev.espalier.e2e.helm.Chart.only;
import static dev.espalier.e2e.helm.Chart.pod;
import static dev.espalier.e2e.helm.Chart.render;
import static dev.espalier.e2e.helm.Chart.variables;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.e2e.repository.Repository;
import dev.espalier.e2e.repository.ServiceSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The chart, rendered by a real Helm engine and held against typed models of every kind. */
class HelmChartTest {

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

  static final String GPU =
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

  static final String FULL =
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
    List<String> forms =
        new ArrayList<>(List.of(PLAIN, USERS, OPEN_TO_NEIGHBOURS, WATCHED, GPU, FULL, IN_A_BUCKET));
    forms.add(HelmSettingsTest.SHARED);
    forms.addAll(HelmModesTest.FORMS);
    return forms;
  }

  @ParameterizedTest
  @MethodSource("forms")
  void everyFormIsValidToTheLastField(String values) throws IOException {
    List<Map<String, Object>> manifests = render(DIRECTORY, values);

    assertThat(manifests).hasSizeGreaterThan(6);
    assertThat(manifests).flatExtracting(StrictManifest::problems).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("forms")
  void everyPodIsRestrictedAndHasProbesAndTimeForACheckpoint(String values) throws IOException {
    for (Map<String, Object> deployment : deployments(render(DIRECTORY, values))) {
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
    for (Map<String, Object> deployment : deployments(render(DIRECTORY, values))) {
      Map<String, Object> container =
          container(map(map(map(deployment, "spec"), "template"), "spec"));
      Set<String> known = ServiceSettings.of((String) container.get("name"));
      Set<String> used = new HashSet<>(variables(container).keySet());
      used.removeIf(name -> name.startsWith("QUARKUS_HTTP_") || name.equals("DJL_CACHE_DIR"));
      assertThat(used)
          .as("%s", container.get("name"))
          .allMatch(variable -> ServiceSettings.read(known, variable));
    }
  }

  @Test
  void aBucketTakesTheClaimsPlace() throws IOException {
    for (Map<String, Object> deployment : deployments(render(DIRECTORY, IN_A_BUCKET))) {
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
    assertThat(render(DIRECTORY, PLAIN).toString()).doesNotContain("S3_");
    assertThatThrownBy(() -> render(DIRECTORY, IN_A_BUCKET.replace("bucket: artifacts, ", "")))
        .hasMessageContaining("store");
    assertThatThrownBy(() -> render(DIRECTORY, PLAIN.replace("artifacts}", "\"\"}")))
        .hasMessageContaining("store");
  }

  @Test
  void graphicsCardsAreAskedForByValue() throws IOException {
    Map<String, Object> pod = pod(GPU, "lab-trainer-a100");

    assertThat(map(map(container(pod), "resources"), "limits")).containsEntry("nvidia.com/gpu", 1);
    assertThat(map(pod, "nodeSelector")).containsEntry("gpu", "a100");
    assertThat((List<?>) pod.get("tolerations")).hasSize(1);
    assertThat(variables(container(pod))).containsEntry("ESPALIER_WORKER_DEVICE", "gpu0");
  }

  /** The plain image has no CUDA, and a worker told to use a GPU would end there at each start. */
  @Test
  void aPoolOfGraphicsCardsRunsTheImageThatHasCuda() throws IOException {
    assertThat(container(pod(PLAIN, "lab-trainer-cpu")))
        .containsEntry("image", "registry.example/espalier-trainer:0.1.0");
    assertThat(container(pod(GPU, "lab-trainer-a100")))
        .containsEntry("image", "registry.example/espalier-trainer:0.1.0-cuda");
    assertThat(
            container(
                pod(
                    GPU.replace(
                        "gpus: 1", "gpus: 1\n    image: r:5000/own@sha256:" + "a".repeat(64)),
                    "lab-trainer-a100")))
        .containsEntry("image", "r:5000/own@sha256:" + "a".repeat(64));
    assertThatThrownBy(
            () -> render(DIRECTORY, GPU.replace("gpus: 1", "gpus: 1\n    image: r:5000/own")))
        .hasMessageContaining("/pools/0/image");
    assertThatThrownBy(() -> render(DIRECTORY, GPU.replace(": trainer", ": redistributor")))
        .hasMessageContaining("/pools/0/gpus");
  }

  @Test
  void anOperatorsPrometheusFindsTheServicesByTheJobsOfTheRules() throws IOException {
    List<Map<String, Object>> manifests = render(DIRECTORY, WATCHED);

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
    List<Map<String, Object>> manifests = render(DIRECTORY, WATCHED);

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
    assertThat(render(DIRECTORY, PLAIN)).extracting(m -> m.get("kind")).doesNotContain("ConfigMap");
  }

  @ParameterizedTest
  @CsvSource({
    "'usersSecretName: users', 'issuer: \"https://id.example\"', usersSecretName",
    "'secretName: espalier-viewer', 'caKey: ca.crt', secretName",
    "'prometheusNamespace: monitoring', 'clientNamespace: x', prometheusNamespace"
  })
  void whatMonitoringNeedsIsAskedForByName(String given, String instead, String missing) {
    assertThatThrownBy(() -> render(DIRECTORY, WATCHED.replace(given, instead)))
        .hasMessageContaining(missing);
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

    assertThatThrownBy(() -> render(DIRECTORY, GPU.replace(right, wrong)))
        .hasMessageContaining(wrong.contains("trainr") ? "/pools/0/service" : misspelt);
  }

  @Test
  void anInstallationThatLetsAnyoneInIsRefused() {
    assertThatThrownBy(
            () ->
                render(DIRECTORY, PLAIN.replace("issuer: \"https://id.example/realms/lab\", ", "")))
        .hasMessageContaining("security");
    assertThatThrownBy(() -> render(DIRECTORY, "{}")).hasMessageContaining("bootstrapServers");
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
    copy(DIRECTORY, copy);
    Path file = copy.resolve("templates/" + template);
    assertThat(Files.readString(file)).contains(right);
    Files.writeString(file, Files.readString(file).replace(right, wrong));

    assertThat(render(copy, FULL))
        .flatExtracting(StrictManifest::problems)
        .anyMatch(problem -> problem.contains(wrong.replace(":", "")));
  }
}
