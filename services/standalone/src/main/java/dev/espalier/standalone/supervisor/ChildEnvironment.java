package dev.espalier.standalone.supervisor;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The variables of a child: the caller's, without those that say where store, brokers and database
 * are, and with which credentials. An embedded installation has its own, and an {@code S3_BUCKET}
 * that stands in a shell for another program would lead it away from them. Whatever else is set
 * reaches the child, such as {@code ESPALIER_TEAMS_...} and {@code ESPALIER_CHECKPOINT_INTERVAL}.
 */
final class ChildEnvironment {

  private static final List<String> PARTS =
      List.of(
          "S3_",
          "KAFKA_",
          "QUARKUS_DATASOURCE_",
          "QUARKUS_FLYWAY_",
          "ESPALIER_STORE",
          "ESPALIER_MIGRATIONS");

  private ChildEnvironment() {}

  /**
   * @param caller variables that the supervisor was started with
   * @param own the child's, which win
   */
  static Map<String, String> of(Map<String, String> caller, Map<String, String> own) {
    Map<String, String> variables = new HashMap<>(caller);
    variables.keySet().removeIf(ChildEnvironment::leadsElsewhere);
    variables.putAll(own);
    return variables;
  }

  /** MicroProfile Config reads one setting from {@code S3_BUCKET}, {@code s3.bucket} and so on. */
  private static boolean leadsElsewhere(String name) {
    String setting = name.replaceAll("[^A-Za-z0-9]", "_").toUpperCase(Locale.ROOT);
    return PARTS.stream().anyMatch(setting::startsWith);
  }
}
