package dev.espalier.scheduler.projection;

import java.util.List;

/** Takes a stage out of all tables that its stream keeps. */
final class ForgottenStage {

  private static final List<String> TABLES =
      List.of(
          "stage",
          "stage_claim",
          "stage_input",
          "stage_output",
          "measurement",
          "attempt",
          "epoch_evaluated",
          "stale_report");

  private ForgottenStage() {}

  static void delete(Statements statements, String stageId) {
    for (String table : TABLES) {
      statements.add("delete from " + table + " where stage_id = ?", stageId);
    }
  }
}
