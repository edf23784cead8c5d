package dev.espalier.e2e.helm;

import static dev.espalier.e2e.helm.Chart.DIRECTORY;
import static dev.espalier.e2e.helm.Chart.PLAIN;
import static dev.espalier.e2e.helm.Chart.copy;
import static dev.espalier.e2e.helm.Chart.manifests;
import static dev.espalier.e2e.helm.Chart.map;
import static dev.espalier.e2e.helm.Chart.only;
import static dev.espalier.e2e.helm.Chart.render;
import static dev.espalier.e2e.helm.HelmChartTest.FULL;
import static dev.espalier.e2e.helm.HelmModesTest.EVERYTHING;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * An upgrade from the chart that was released last, which is kept as it rendered, and from this one
 * to itself with other values: nothing is changed that a cluster refuses to change.
 */
class HelmUpgradeTest {

  @TempDir private Path directory;

  @Test
  void theReleasedChartUpgradesToThisOne() throws IOException {
    for (var form : Map.of("plain", PLAIN, "full", FULL).entrySet()) {
      List<Map<String, Object>> before = released(form.getKey());
      List<Map<String, Object>> after = render(DIRECTORY, form.getValue());

      assertThat(ImmutableFields.changed(before, after)).isEmpty();
      for (Map<String, Object> deployment : Chart.deployments(before)) {
        assertThat(after)
            .as("a deployment that another replaces leaves two fleets for a while")
            .anySatisfy(
                manifest -> {
                  assertThat(manifest.get("kind")).isEqualTo("Deployment");
                  assertThat(map(manifest, "metadata").get("name"))
                      .isEqualTo(map(deployment, "metadata").get("name"));
                });
      }
    }
  }

  @Test
  void anotherVersionIsAnotherMigrationAndTheSameIsTheSame() throws IOException {
    String next = EVERYTHING.replace("espalier}", "espalier, tag: 0.3.0}");
    List<Map<String, Object>> before = render(DIRECTORY, EVERYTHING);
    List<Map<String, Object>> after = render(DIRECTORY, next);

    assertThat(ImmutableFields.changed(before, after)).isEmpty();
    assertThat(name(before)).isNotEqualTo(name(after));
    assertThat(name(render(DIRECTORY, EVERYTHING))).isEqualTo(name(before));
    String drained = EVERYTHING + "drainSeconds: 300\n";
    assertThat(name(render(DIRECTORY, drained))).isEqualTo(name(before));
    String moreBrokers = EVERYTHING.replace("brokers: 1", "brokers: 3");
    assertThat(ImmutableFields.changed(before, render(DIRECTORY, moreBrokers))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "workers.yaml, 'printf \"%s-%s\" .service .name', '.service', Deployment lab-trainer",
    "_helpers.tpl, 'component: {{ .component }}', 'part: {{ .component }}', Deployment",
    "migrations.yaml, '-{{ $spec | sha256sum | trunc 10 }}', '', Job lab-migrations",
    "kafka.yaml, 'type: jbod', 'type: ephemeral', KafkaNodePool lab-kafka-broker",
    "postgres.yaml, 'database: espalier', 'database: other', Cluster lab-postgres"
  })
  void aChangeThatAClusterRefusesIsFound(String template, String right, String wrong, String found)
      throws IOException {
    // A job that keeps its name fails with the first change of its image.
    Path first = directory.resolve("first");
    copy(DIRECTORY, first);
    Path second = directory.resolve("second");
    copy(DIRECTORY, second);
    Path file = second.resolve("templates/" + template);
    String changed = Files.readString(file).replace(right, wrong);
    assertThat(changed).isNotEqualTo(Files.readString(file));
    Files.writeString(file, changed);
    if (template.equals("migrations.yaml")) {
      Files.writeString(first.resolve("templates/" + template), changed);
    }

    assertThat(
            ImmutableFields.changed(
                render(first, EVERYTHING),
                render(second, EVERYTHING.replace("espalier}", "espalier, tag: 0.3.0}"))))
        .anyMatch(change -> change.startsWith(found));
  }

  private static Object name(List<Map<String, Object>> manifests) {
    return map(only(manifests, "Job"), "metadata").get("name");
  }

  private static List<Map<String, Object>> released(String form) throws IOException {
    try (InputStream file =
        HelmUpgradeTest.class.getResourceAsStream("/helm/0.1.0/" + form + ".yaml")) {
      return manifests(new String(file.readAllBytes(), StandardCharsets.UTF_8));
    }
  }
}
