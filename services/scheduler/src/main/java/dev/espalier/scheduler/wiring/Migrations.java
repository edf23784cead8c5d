package dev.espalier.scheduler.wiring;

import java.util.Arrays;
import java.util.stream.Collectors;
import org.flywaydb.core.Flyway;

/** Who brings the database's tables to the version that this scheduler knows. */
public enum Migrations {

  /** This process, before anything else; any number of them at once. */
  APPLY,

  /** Another process: this one waits until it has done so, and then starts. */
  AWAIT,

  /** This process, which then ends: a Kubernetes job. */
  ONLY;

  /**
   * One attempt.
   *
   * @throws IllegalStateException if the tables are not there yet, naming what is missing
   * @throws org.flywaydb.core.api.exception.FlywayValidateException if the tables are another
   *     program's
   */
  void bring(Flyway flyway) {
    if (this != AWAIT) {
      flyway.migrate();
      return;
    }
    String missing =
        Arrays.stream(flyway.info().pending())
            .map(migration -> "V" + migration.getVersion())
            .collect(Collectors.joining(", "));
    if (!missing.isEmpty()) {
      throw new IllegalStateException(
          "expected migrations that someone else applies but " + missing + " are missing");
    }
    flyway.validate();
  }
}
