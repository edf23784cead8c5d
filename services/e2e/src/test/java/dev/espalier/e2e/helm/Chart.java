package dev.espalier.e2e.helm;

import static org.assertj.core.api.Assertions.assertThat;

import com.marcnuri.helm.Helm;
import dev.espalier.e2e.repository.Repository;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** Our chart, rendered by a real Helm engine, and ways into what it gives. */
final class Chart {

  static final Path DIRECTORY = Repository.root().resolve("deploy/helm/espalier");

  /** The least that an installation must say. */
  static final String PLAIN =
      """
      image: {repository: registry.example/espalier}
      kafka: {bootstrapServers: "kafka:9093", secretName: kafka-client}
      postgres: {jdbcUrl: "jdbc:postgresql://db/espalier", secretName: db}
      security: {issuer: "https://id.example/realms/lab", tlsSecretName: tls}
      store: {claimName: artifacts}
      """;

  private Chart() {}

  /** The chart at {@code chart} as the release "lab" with these values. */
  static List<Map<String, Object>> render(Path chart, String values) throws IOException {
    Path file = Files.createTempFile("values", ".yaml");
    try {
      Files.writeString(file, values);
      return manifests(
          new Helm(chart)
              .template()
              .withName("lab")
              .withKubeVersion("1.31.0")
              .withValuesFile(file)
              .call());
    } finally {
      Files.delete(file);
    }
  }

  static List<Map<String, Object>> manifests(String rendered) {
    Load yaml = new Load(LoadSettings.builder().setAllowDuplicateKeys(false).build());
    List<Map<String, Object>> manifests = new ArrayList<>();
    for (Object document : yaml.loadAllFromString(rendered)) {
      if (document != null) {
        manifests.add(map(document));
      }
    }
    return manifests;
  }

  static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.createDirectories(to.resolve(from.relativize(file).toString()).getParent());
        if (Files.isRegularFile(file)) {
          Files.copy(file, to.resolve(from.relativize(file).toString()));
        }
      }
    }
  }

  static List<Map<String, Object>> deployments(List<Map<String, Object>> manifests) {
    return manifests.stream().filter(m -> m.get("kind").equals("Deployment")).toList();
  }

  /** The pod of a deployment. */
  static Map<String, Object> pod(String values, String deployment) throws IOException {
    return deployments(render(DIRECTORY, values)).stream()
        .filter(d -> map(d, "metadata").get("name").equals(deployment))
        .map(d -> map(map(map(d, "spec"), "template"), "spec"))
        .findFirst()
        .orElseThrow();
  }

  static Map<String, Object> container(Map<String, Object> pod) {
    return map(((List<?>) pod.get("containers")).get(0));
  }

  /** Variables by name; empty where the value comes from elsewhere. */
  static Map<String, String> variables(Map<String, Object> container) {
    return ((List<?>) container.get("env"))
        .stream()
            .map(Chart::map)
            .collect(
                Collectors.toMap(
                    variable -> (String) variable.get("name"),
                    variable -> String.valueOf(variable.getOrDefault("value", ""))));
  }

  static Map<String, Object> map(Map<String, Object> parent, String name) {
    return map(parent.get(name));
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> map(Object value) {
    return (Map<String, Object>) value;
  }

  static Map<String, Object> only(List<Map<String, Object>> manifests, String kind) {
    List<Map<String, Object>> found =
        manifests.stream().filter(manifest -> manifest.get("kind").equals(kind)).toList();
    assertThat(found).as(kind).hasSize(1);
    return found.get(0);
  }
}
