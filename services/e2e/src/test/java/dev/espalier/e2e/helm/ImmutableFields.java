package dev.espalier.e2e.helm;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What an API server or an operator refuses to change on an object that is there, by kind. An
 * object that has another name is another object: the old one goes, the new one comes.
 */
final class ImmutableFields {

  private static final Map<String, List<String>> FIELDS =
      Map.of(
          "Deployment", List.of("spec.selector"),
          "StatefulSet",
              List.of(
                  "spec.selector",
                  "spec.serviceName",
                  "spec.volumeClaimTemplates",
                  "spec.podManagementPolicy"),
          "DaemonSet", List.of("spec.selector"),
          "Job", List.of("spec.selector", "spec.template", "spec.completions"),
          "Service", List.of("spec.clusterIP", "spec.ipFamilies"),
          "PersistentVolumeClaim",
              List.of("spec.accessModes", "spec.storageClassName", "spec.volumeName"),
          // Strimzi and CloudNativePG leave volumes of another class alone, or refuse them.
          "KafkaNodePool", List.of("spec.roles", "spec.storage.type"),
          "KafkaTopic", List.of("spec.topicName"),
          "Cluster", List.of("spec.bootstrap", "spec.storage.storageClass"));

  private ImmutableFields() {}

  /** Fields that an upgrade would change in vain; empty if there are none. */
  static List<String> changed(List<Map<String, Object>> before, List<Map<String, Object>> after) {
    Map<String, Map<String, Object>> old =
        before.stream().collect(Collectors.toMap(ImmutableFields::key, manifest -> manifest));
    List<String> changed = new ArrayList<>();
    for (Map<String, Object> manifest : after) {
      Map<String, Object> was = old.get(key(manifest));
      if (was == null) {
        continue;
      }
      if (!was.get("apiVersion").toString().split("/")[0].equals(group(manifest))) {
        changed.add(key(manifest) + " apiVersion");
      }
      for (String field : FIELDS.getOrDefault((String) manifest.get("kind"), List.of())) {
        if (!Objects.equals(at(was, field), at(manifest, field))) {
          changed.add(
              "%s %s: was %s, would be %s"
                  .formatted(key(manifest), field, at(was, field), at(manifest, field)));
        }
      }
    }
    return changed;
  }

  private static String group(Map<String, Object> manifest) {
    return manifest.get("apiVersion").toString().split("/")[0];
  }

  private static String key(Map<String, Object> manifest) {
    return manifest.get("kind") + " " + Chart.map(manifest, "metadata").get("name");
  }

  private static Object at(Map<String, Object> manifest, String path) {
    Object value = manifest;
    for (String name : path.split("\\.")) {
      value = Optional.ofNullable(value).map(v -> ((Map<?, ?>) v).get(name)).orElse(null);
    }
    return value;
  }
}
