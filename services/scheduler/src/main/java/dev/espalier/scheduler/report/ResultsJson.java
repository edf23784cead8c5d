package dev.espalier.scheduler.report;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;

/** The results document as JSON: what REST answers and what {@code report.json} holds. */
public final class ResultsJson {

  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .addModule(new JavaTimeModule())
          .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
          .enable(SerializationFeature.INDENT_OUTPUT)
          .defaultPropertyInclusion(JsonInclude.Value.construct(JsonInclude.Include.NON_NULL, null))
          .build();

  private ResultsJson() {}

  public static String write(SweepResults results) {
    try {
      return MAPPER.writeValueAsString(results);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("results of sweep " + results.sweep().id(), e);
    }
  }

  /** Any tree of maps, lists and values, indented. */
  static String pretty(Object tree) {
    try {
      return MAPPER.writeValueAsString(tree);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not a JSON tree", e);
    }
  }

  public static SweepResults read(String json) {
    try {
      return MAPPER.readValue(json, SweepResults.class);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not a results document", e);
    }
  }
}
