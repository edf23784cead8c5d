package dev.espalier.messaging.worker;

import dev.espalier.schemas.artifact.v1.ArtifactRef;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a stage made and measured.
 *
 * @param outputs files by name, for instance {@code "plan"}
 * @param measurements figures by name, for instance {@code "top1_accuracy"}
 */
public record StageResult(Map<String, ArtifactRef> outputs, Map<String, Double> measurements) {

  public StageResult {
    outputs = new LinkedHashMap<>(outputs);
    measurements = new LinkedHashMap<>(measurements);
  }
}
