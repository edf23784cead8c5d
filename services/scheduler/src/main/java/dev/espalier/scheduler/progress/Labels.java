package dev.espalier.scheduler.progress;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Map;

/** A worker's labels as a JSON object. */
final class Labels {

  private static final ObjectMapper JSON = new ObjectMapper();

  private Labels() {}

  static String toJson(Map<String, String> labels) {
    try {
      return JSON.writeValueAsString(labels);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("expected text labels but got " + labels, e);
    }
  }
}
