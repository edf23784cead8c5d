package dev.espalier.e2e.helm;

import static dev.espalier.e2e.helm.Chart.DIRECTORY;
import static dev.espalier.e2e.helm.Chart.PLAIN;
import static dev.espalier.e2e.helm.Chart.container;
import static dev.espalier.e2e.helm.Chart.copy;
import static dev.espalier.e2e.helm.Chart.deployments;
import static dev.espalier.e2e.helm.Chart.map;
import static dev.espalier.e2e.helm.Chart.only;
import static dev.espalier.e2e.helm.Chart.render;
import static dev.espalier.e2e.helm.Chart.variables;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.e2e.repository.Migrated;
import dev.espalier.e2e.repository.Repository;
import dev.espalier.messaging.topics.TopicAdmin;
import dev.espalier.schemas.Topics;
import dev.espalier.testkit.Postgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the chart leaves to operators: brokers, database and the number of workers. */
class HelmModesTest {

  @RegisterExtension static final Postgres POSTGRES = Postgres.shared();

  static final String STRIMZI =
      PLAIN.replace(
          "kafka: {bootstrapServers: \"kafka:9093\", secretName: kafka-client}",
          "kafka: {mode: strimzi, strimzi: {clients: [notebook], storageClass: fast}}");

  static final String CNPG =
      PLAIN.replace(
          "postgres: {jdbcUrl: \"jdbc:postgresql://db/espalier\", secretName: db}",
          "postgres: {mode: cnpg, cnpg: {readerSecretName: reader, readerNamespace: grafana}}");

  private static final String SCALED_POOLS =
      """
      pools:
        - {name: cpu, service: trainer, replicas: 1, maxReplicas: 8, gpus: 0, threads: 1,
           nodeSelector: {}, tolerations: [], resources: {requests: {cpu: "1"}, limits: {}}}
        - {name: measure, service: evaluator, replicas: 1, gpus: 0, threads: 1,
           nodeSelector: {}, tolerations: [], resources: {requests: {cpu: "1"}, limits: {}}}
      """;

  static final String KEDA =
      PLAIN
          + SCALED_POOLS
          + "autoscaling: {mode: keda, prometheusAddress: \"http://prometheus:9090\"}\n";

  static final String KEDA_ON_POSTGRES =
      PLAIN + SCALED_POOLS + "autoscaling: {mode: keda, trigger: postgresql, secretName: queue}\n";

  static final String EVERYTHING =
      """
      image: {repository: registry.example/espalier}
      kafka: {mode: strimzi, strimzi: {version: 4.1.1, brokers: 1, clients: [notebook]}}
      postgres: {mode: cnpg, cnpg: {imageName: "pg:17", readerSecretName: reader}}
      security: {usersSecretName: users, tlsSecretName: tls}
      store: {s3: {bucket: artifacts, endpoint: "https://s3.example:9000", secretName: s3}}
      network: {clientNamespace: ingress, prometheusNamespace: monitoring, egressPorts: [4317]}
      monitoring: {mode: prometheus-operator, secretName: espalier-viewer}
      autoscaling: {mode: keda, trigger: postgresql, secretName: queue}
      """
          + SCALED_POOLS;

  /** Each mode alone, and all of them. */
  static final List<String> FORMS = List.of(STRIMZI, CNPG, KEDA, KEDA_ON_POSTGRES, EVERYTHING);

  @TempDir private Path directory;

  @Test
  void strimzisTopicsAreThoseThatTheSchedulerMakes() throws IOException {
    assertThat(ofKind(render(DIRECTORY, STRIMZI), "KafkaTopic"))
        .allSatisfy(topic -> assertThat(topic).containsEntry("replicas", 3))
        .extracting(
            topic -> topic.get("topicName"),
            topic -> topic.get("partitions"),
            topic -> map(topic, "config").get("retention.ms").toString(),
            topic -> map(topic, "config").get("max.message.bytes").toString())
        .containsExactlyInAnyOrderElementsOf(
            TopicAdmin.topics().stream()
                .map(
                    topic ->
                        org.assertj.core.api.Assertions.tuple(
                            topic.name(),
                            topic.numPartitions(),
                            topic.configs().get("retention.ms"),
                            topic.configs().get("max.message.bytes")))
                .toList());
  }

  @Test
  void theServicesMeetStrimzisBrokersAsItNamesThem() throws IOException {
    List<Map<String, Object>> manifests = render(DIRECTORY, STRIMZI);

    assertThat(ofKind(manifests, "KafkaNodePool"))
        .extracting(pool -> pool.get("roles"))
        .containsExactlyInAnyOrder(List.of("controller"), List.of("broker"));
    assertThat(named(manifests, "KafkaUser")).containsExactlyInAnyOrder("lab-espalier", "notebook");
    assertThat(manifests)
        .filteredOn(m -> m.get("kind").toString().matches("Kafka(NodePool|Topic|User)"))
        .allSatisfy(
            m ->
                assertThat(map(map(m, "metadata"), "labels"))
                    .containsEntry("strimzi.io/cluster", "lab-kafka"));
    for (Map<String, Object> pod : pods(manifests)) {
      assertThat(variables(container(pod)))
          .containsEntry("KAFKA_BOOTSTRAP_SERVERS", "lab-kafka-kafka-bootstrap:9093")
          .containsEntry("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512");
      assertThat(container(pod).get("env").toString())
          .contains("{name=lab-espalier, key=sasl.jaas.config}");
      assertThat(pod.get("volumes").toString())
          .contains("secretName=lab-kafka-cluster-ca-cert, items=[{key=ca.crt, path=ca.pem}]");
    }
    String acls = map(ofKind(manifests, "KafkaUser").get(0), "authorization").toString();
    for (String topic : Topics.ALL) {
      assertThat(acls).contains("name=" + topic.substring(0, topic.indexOf('.') + 1));
    }
    assertThat(map(map(only(manifests, "Kafka"), "spec"), "kafka").toString())
        .contains("min.insync.replicas=2", "type=simple", "authentication={type=scram-sha-512}");
    assertThat(ofKind(render(DIRECTORY, EVERYTHING), "Kafka").toString())
        .contains("min.insync.replicas=1", "default.replication.factor=1");
  }

  @Test
  void theSchedulerMeetsTheDatabaseAsCloudNativePgNamesItAndACommitWaitsForAStandby()
      throws IOException {
    List<Map<String, Object>> manifests = render(DIRECTORY, CNPG);

    Map<String, Object> cluster = map(only(manifests, "Cluster"), "spec");
    assertThat(map(map(cluster, "postgresql"), "synchronous"))
        .containsEntry("number", 1)
        .containsEntry("dataDurability", "required");
    assertThat(map(map(cluster, "bootstrap"), "initdb"))
        .containsEntry("database", "espalier")
        .containsEntry("owner", "espalier");
    for (Map<String, Object> pod : schedulers(manifests)) {
      assertThat(variables(container(pod)))
          .containsEntry(
              "QUARKUS_DATASOURCE_JDBC_URL",
              "jdbc:postgresql://lab-postgres-rw:5432/espalier?sslmode=require");
      assertThat(container(pod).get("env").toString())
          .contains("{name=lab-postgres-app, key=username}")
          .contains("{name=lab-postgres-app, key=password}");
    }
    assertThat(
            ofKind(render(DIRECTORY, CNPG.replace("cnpg: {", "cnpg: {instances: 1, ")), "Cluster"))
        .allSatisfy(alone -> assertThat(alone).doesNotContainKey("postgresql"));
  }

  @Test
  void oneJobMigratesADatabaseThatIsThereOrComesAndSchedulersAwaitIt() throws IOException {
    for (String values : List.of(PLAIN, CNPG, EVERYTHING)) {
      List<Map<String, Object>> manifests = render(DIRECTORY, values);

      Map<String, Object> job = only(manifests, "Job");
      assertThat(map(job, "metadata"))
          .as("a hook would wait for a database that comes later")
          .doesNotContainKey("annotations");
      Map<String, Object> pod = map(map(map(job, "spec"), "template"), "spec");
      assertThat(pod)
          .containsEntry("automountServiceAccountToken", false)
          .containsEntry("restartPolicy", "OnFailure");
      assertThat(map(pod, "securityContext")).containsEntry("runAsNonRoot", true);
      assertThat(map(container(pod), "securityContext"))
          .containsEntry("readOnlyRootFilesystem", true);
      assertThat(variables(container(pod))).containsEntry("ESPALIER_MIGRATIONS", "only");
      Map<String, Object> scheduler =
          deployments(manifests).stream()
              .filter(d -> map(d, "metadata").get("name").equals("lab-scheduler"))
              .map(d -> map(map(map(d, "spec"), "template"), "spec"))
              .findFirst()
              .orElseThrow();
      assertThat(variables(container(scheduler))).containsEntry("ESPALIER_MIGRATIONS", "await");
      Map<String, String> same = variables(container(scheduler));
      same.put("ESPALIER_MIGRATIONS", "only");
      assertThat(variables(container(pod))).isEqualTo(same);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"prometheus", "postgresql"})
  void poolsWithAMaximumFollowTheStagesOfTheirService(String trigger) throws IOException {
    List<Map<String, Object>> manifests =
        render(DIRECTORY, trigger.equals("prometheus") ? KEDA : KEDA_ON_POSTGRES);

    Map<String, Object> scaled = only(manifests, "ScaledObject");
    Map<String, Object> spec = map(scaled, "spec");
    assertThat(spec).containsEntry("minReplicaCount", 1).containsEntry("maxReplicaCount", 8);
    String target = (String) map(spec, "scaleTargetRef").get("name");
    assertThat(target).isEqualTo("lab-trainer-cpu");
    for (Map<String, Object> deployment : deployments(manifests)) {
      assertThat(map(deployment, "spec").containsKey("replicas"))
          .as("replicas beside an autoscaler go back at each upgrade")
          .isEqualTo(!map(deployment, "metadata").get("name").equals(target));
    }
    Map<String, Object> asked = map(((List<?>) spec.get("triggers")).get(0));
    assertThat(asked).containsEntry("type", trigger);
    assertThat(map(asked, "metadata").get("query").toString().toLowerCase(java.util.Locale.ROOT))
        .contains("search", "prune", "finetune")
        .doesNotContain("evaluate")
        .doesNotContain("lag");
  }

  @Test
  void whatKedaAsksCountsWhatRunsAndWhatCouldRun() throws Exception {
    String onSeries =
        map(
                map(
                    ((List<?>)
                            map(only(render(DIRECTORY, KEDA), "ScaledObject"), "spec")
                                .get("triggers"))
                        .get(0)),
                "metadata")
            .get("query")
            .toString();
    String gauges =
        Files.readString(
            Repository.root()
                .resolve(
                    "services/scheduler/src/main/java/dev/espalier/scheduler/gauges"
                        + "/PlatformGauges.java"));
    assertThat(gauges).contains("\"espalier.stages.runnable\"", "\"espalier.stages.running\"");
    assertThat(onSeries).contains("espalier_stages_runnable{", "espalier_stages_running{");

    String query =
        map(
                map(
                    ((List<?>)
                            map(only(render(DIRECTORY, KEDA_ON_POSTGRES), "ScaledObject"), "spec")
                                .get("triggers"))
                        .get(0)),
                "metadata")
            .get("query")
            .toString();
    try (var connection = Migrated.database().getConnection();
        var statement = connection.createStatement()) {
      statement.execute(
          """
          insert into stage (stage_id, kind, algorithm, algorithm_version, device_kind, seed, team,
            spec, state, sweep_id, held, requested_at, runnable_at, retry_at)
          select id, kind, 'x', 1, 'cpu', 0, 't', '', state, 's', held, now(), now(), retry_at
          from (values ('a', 'FINETUNE', 'RUNNABLE', false, null),
            ('held', 'FINETUNE', 'RUNNABLE', true, null),
            ('backs off', 'SEARCH', 'RUNNABLE', false, now() + interval '1 hour'),
            ('runs', 'PRUNE', 'RUNNING', false, null), ('waits', 'PRUNE', 'WAITING', false, null),
            ('another', 'EVALUATE', 'RUNNING', false, null)) v(id, kind, state, held, retry_at)""");
      statement.execute("set role espalier_dash");
      try (var row = statement.executeQuery(query)) {
        row.next();
        assertThat(row.getInt(1)).isEqualTo(2);
      }
    }
  }

  @Test
  void podsReachWhatTheyNeedAndNothingElse() throws IOException {
    List<Map<String, Object>> plain = render(DIRECTORY, PLAIN);
    assertThat(policy(plain, "lab-espalier-deny").get("policyTypes"))
        .isEqualTo(List.of("Ingress", "Egress"));
    assertThat(policy(plain, "lab-espalier-out").get("egress").toString())
        .contains("port=53", "port=9093");
    assertThat(policy(plain, "lab-scheduler-out").get("egress").toString())
        .contains("port=5432", "port=443");
    String many =
        PLAIN
            .replace("kafka:9093", "a:9093,b:9094")
            .replace("//db/espalier", "//a:5433,b:5434/espalier?x=1:9");
    assertThat(policy(render(DIRECTORY, many), "lab-espalier-out").get("egress").toString())
        .contains("port=9093", "port=9094");
    assertThat(policy(render(DIRECTORY, many), "lab-scheduler-out").get("egress").toString())
        .contains("port=5433", "port=5434")
        .doesNotContain("port=9,");

    List<Map<String, Object>> all = render(DIRECTORY, EVERYTHING);
    assertThat(policy(all, "lab-espalier-out").get("egress").toString())
        .contains("port=9000", "port=4317", "strimzi.io/cluster=lab-kafka");
    assertThat(policy(all, "lab-scheduler-out").get("egress").toString())
        .contains("cnpg.io/cluster=lab-postgres", "port=5432");
    assertThat(policy(all, "lab-postgres").get("ingress").toString())
        .contains("cnpg-system", "keda", "monitoring", "port=8000", "port=9187");
    assertThat(all)
        .filteredOn(m -> List.of("Kafka", "KafkaNodePool", "Cluster").contains(m.get("kind")))
        .allSatisfy(
            m ->
                assertThat(map(map(m, "metadata"), "labels"))
                    .as("an operator may pass labels on, and our policies would catch its pods")
                    .doesNotContainKey("app.kubernetes.io/name"));
  }

  @ParameterizedTest
  @CsvSource({
    "'mode: strimzi', 'mode: strimzy', /kafka/mode",
    "'mode: cnpg', 'mode: cloudnativepg', /postgres/mode",
    "'mode: keda', 'mode: hpa', /autoscaling/mode",
    "'trigger: postgresql', 'trigger: lag', /autoscaling/trigger",
    "'brokers: 1', 'broker: 1', broker",
    "'readerSecretName: reader', 'readerSecret: reader', readerSecret",
    "'maxReplicas: 8', 'maxReplica: 8', maxReplica",
    "'egressPorts: [4317]', 'egressPort: [4317]', egressPort",
    "', secretName: queue', '', secretName",
    "'maxReplicas: 8', 'maxReplicas: 0', maxReplicas",
    "'replicas: 1, maxReplicas: 8', 'replicas: 9, maxReplicas: 8', maxReplicas is 8",
    "', maxReplicas: 8', '', expected maxReplicas"
  })
  void aValueThatIsWrongIsRefusedByName(String right, String wrong, String named) {
    assertThat(EVERYTHING).contains(right);

    assertThatThrownBy(() -> render(DIRECTORY, EVERYTHING.replace(right, wrong)))
        .hasMessageContaining(named);
  }

  @ParameterizedTest
  @CsvSource({
    "kafka.yaml, networkPolicyPeers:, networkPolicyPeer:",
    "kafka.yaml, deleteClaim:, deleteClaims:",
    "kafka.yaml, operations:, operation_s:",
    "kafka.yaml, topicName:, topic:",
    "kafka.yaml, topologySpreadConstraints:, topologySpread:",
    "postgres.yaml, dataDurability:, durability:",
    "postgres.yaml, postInitSQL:, postInitSql:",
    "autoscaling.yaml, pollingInterval:, pollInterval:",
    "autoscaling.yaml, secretTargetRef:, secretRef:",
    "autoscaling.yaml, targetQueryValue:, targetValue:",
    "migrations.yaml, activeDeadlineSeconds:, deadlineSeconds:",
    "network.yaml, egress:, egres:"
  })
  void aFieldMisspeltInATemplateIsFound(String template, String right, String wrong)
      throws IOException {
    Path copy = directory.resolve("espalier");
    copy(DIRECTORY, copy);
    Path file = copy.resolve("templates/" + template);
    assertThat(Files.readString(file)).contains(right);
    Files.writeString(file, Files.readString(file).replace(right, wrong));

    assertThat(render(copy, EVERYTHING.replace("brokers: 1", "brokers: 3")))
        .flatExtracting(StrictManifest::problems)
        .anyMatch(problem -> problem.contains(wrong.replace(":", "")));
  }

  private static List<Map<String, Object>> ofKind(
      List<Map<String, Object>> manifests, String kind) {
    return manifests.stream()
        .filter(m -> m.get("kind").equals(kind))
        .map(m -> map(m, "spec"))
        .toList();
  }

  private static List<Object> named(List<Map<String, Object>> manifests, String kind) {
    return manifests.stream()
        .filter(m -> m.get("kind").equals(kind))
        .map(m -> map(m, "metadata").get("name"))
        .toList();
  }

  private static Map<String, Object> policy(List<Map<String, Object>> manifests, String name) {
    return manifests.stream()
        .filter(m -> m.get("kind").equals("NetworkPolicy"))
        .filter(m -> map(m, "metadata").get("name").equals(name))
        .map(m -> map(m, "spec"))
        .findFirst()
        .orElseThrow();
  }

  private static List<Map<String, Object>> pods(List<Map<String, Object>> manifests) {
    return Stream.concat(
            ofKind(manifests, "Deployment").stream(), ofKind(manifests, "Job").stream())
        .map(spec -> map(map(spec, "template"), "spec"))
        .toList();
  }

  private static List<Map<String, Object>> schedulers(List<Map<String, Object>> manifests) {
    return pods(manifests).stream()
        .filter(pod -> container(pod).get("name").equals("scheduler"))
        .toList();
  }
}
