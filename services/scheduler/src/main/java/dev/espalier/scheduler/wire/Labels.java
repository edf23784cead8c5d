package dev.espalier.scheduler.wire;

import com.google.protobuf.Value;
import dev.espalier.architecture.json.Json;
import dev.espalier.schemas.stage.v1.StageSpec;
import dev.espalier.schemas.worker.v1.WorkerJoined;
import java.util.Map;
import java.util.TreeMap;

/** What workers have and stages ask for, as canonical JSON objects of texts. */
public final class Labels {

  private static final String NONE = "{}";

  private Labels() {}

  /** Of a worker: its device, its host, and its operator's labels, whose word stands. */
  public static String of(WorkerJoined joined) {
    Map<String, Object> labels = new TreeMap<>();
    labels.put("device", joined.getDevice());
    labels.put("host", joined.getHost());
    labels.putAll(joined.getLabelsMap());
    return Json.canonical(labels);
  }

  /** What a stage asks of its worker. */
  public static String of(StageSpec spec) {
    Map<String, Object> labels = new TreeMap<>();
    spec.getParameters()
        .getFieldsOrDefault("labels", Value.getDefaultInstance())
        .getStructValue()
        .getFieldsMap()
        .forEach((name, value) -> labels.put(name, value.getStringValue()));
    return Json.canonical(labels);
  }

  public static Map<String, String> parse(String json) {
    if (json.equals(NONE)) {
      return Map.of();
    }
    Map<String, String> labels = new TreeMap<>();
    ((Map<?, ?>) Json.parse(json))
        .forEach((name, value) -> labels.put(String.valueOf(name), String.valueOf(value)));
    return labels;
  }
}
