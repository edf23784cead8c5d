package dev.espalier.e2e.helm;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServiceAccount;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.api.model.batch.v1.Job;
import io.fabric8.kubernetes.api.model.networking.v1.NetworkPolicy;
import io.fabric8.kubernetes.api.model.policy.v1.PodDisruptionBudget;
import io.fabric8.openshift.api.model.monitoring.v1.PodMonitor;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import io.strimzi.api.kafka.model.kafka.KafkaSpec;
import io.strimzi.api.kafka.model.nodepool.KafkaNodePoolSpec;
import io.strimzi.api.kafka.model.topic.KafkaTopicSpec;
import io.strimzi.api.kafka.model.user.KafkaUserSpec;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A rendered manifest held against the typed model of its kind: a value of a wrong type does not
 * convert, and what the model does not know is found wherever it hides.
 */
final class StrictManifest {

  private static final ObjectMapper JSON = new ObjectMapper();

  private static final Map<String, Class<?>> KINDS =
      Map.of(
          "apps/v1 Deployment", Deployment.class,
          "batch/v1 Job", Job.class,
          "v1 Service", Service.class,
          "v1 ServiceAccount", ServiceAccount.class,
          "v1 ConfigMap", ConfigMap.class,
          "policy/v1 PodDisruptionBudget", PodDisruptionBudget.class,
          "networking.k8s.io/v1 NetworkPolicy", NetworkPolicy.class,
          "monitoring.coreos.com/v1 ServiceMonitor", ServiceMonitor.class,
          "monitoring.coreos.com/v1 PodMonitor", PodMonitor.class,
          "monitoring.coreos.com/v1 PrometheusRule", PrometheusRule.class);

  /** Strimzi's own models of what stands under spec. */
  private static final Map<String, Class<?>> KAFKA =
      Map.of(
          "kafka.strimzi.io/v1 Kafka", KafkaSpec.class,
          "kafka.strimzi.io/v1 KafkaNodePool", KafkaNodePoolSpec.class,
          "kafka.strimzi.io/v1 KafkaTopic", KafkaTopicSpec.class,
          "kafka.strimzi.io/v1 KafkaUser", KafkaUserSpec.class);

  /** No models are to be had of these: closed schemas of the fields that the chart uses. */
  private static final Map<String, String> SCHEMAS =
      Map.of(
          "postgresql.cnpg.io/v1 Cluster", "cnpg-cluster",
          "keda.sh/v1alpha1 ScaledObject", "keda-scaledobject",
          "keda.sh/v1alpha1 TriggerAuthentication", "keda-triggerauthentication");

  private StrictManifest() {}

  /** What is wrong with the manifest; empty if nothing is. */
  static List<String> problems(Map<String, Object> manifest) {
    String kind = manifest.get("apiVersion") + " " + manifest.get("kind");
    List<String> problems = new ArrayList<>();
    if (KINDS.containsKey(kind)) {
      convert(kind, manifest, KINDS.get(kind), problems);
    } else if (KAFKA.containsKey(kind) || SCHEMAS.containsKey(kind)) {
      for (String name : manifest.keySet()) {
        if (!List.of("apiVersion", "kind", "metadata", "spec").contains(name)) {
          problems.add(kind + "." + name + " is unknown");
        }
      }
      convert(kind + ".metadata", manifest.get("metadata"), ObjectMeta.class, problems);
      if (KAFKA.containsKey(kind)) {
        convert(kind + ".spec", manifest.get("spec"), KAFKA.get(kind), problems);
      } else {
        problems.addAll(
            ClosedSchema.named(SCHEMAS.get(kind)).problems(kind + ".spec", manifest.get("spec")));
      }
    } else {
      problems.add("no model of kind " + kind);
    }
    return problems;
  }

  private static void convert(String path, Object value, Class<?> type, List<String> problems) {
    if (value == null) {
      problems.add(path + " is missing");
      return;
    }
    try {
      walk(path, JSON.convertValue(value, type), problems);
    } catch (IllegalArgumentException wrongType) {
      problems.add(path + ": " + wrongType.getMessage());
    }
  }

  private static void walk(String path, Object value, List<String> problems) {
    if (value instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        walk(path + "[" + i + "]", list.get(i), problems);
      }
    } else if (value instanceof Map<?, ?> map) {
      map.forEach((key, inner) -> walk(path + "." + key, inner, problems));
    } else if (value != null && value.getClass().getName().matches("io\\.(fabric8|strimzi)\\..*")) {
      if (value instanceof Enum<?>) {
        return;
      }
      unknown(value).forEach(name -> problems.add(path + "." + name + " is unknown"));
      for (Field field : value.getClass().getDeclaredFields()) {
        if (!Modifier.isStatic(field.getModifiers())
            && !field.getName().equals("additionalProperties")) {
          field.setAccessible(true);
          try {
            walk(path + "." + field.getName(), field.get(value), problems);
          } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
          }
        }
      }
    }
  }

  private static Iterable<String> unknown(Object value) {
    try {
      Method method = value.getClass().getMethod("getAdditionalProperties");
      @SuppressWarnings("unchecked")
      Map<String, Object> found = (Map<String, Object>) method.invoke(value);
      return found == null ? List.of() : found.keySet();
    } catch (NoSuchMethodException none) {
      return List.of();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }
}
