package dev.espalier.scheduler.wiring;

import java.sql.SQLException;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.exception.FlywayValidateException;

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

  /**
   * Whether another attempt may end otherwise: the database does not answer, is full or busy. What
   * it says of the migrations themselves (SQLSTATE classes 22, 23 and 42: data, constraints,
   * syntax), and what Flyway says without having asked it, stays.
   */
  static boolean mayPass(RuntimeException failure) {
    if (failure instanceof FlywayValidateException) {
      return false;
    }
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof SQLException refused) {
        String state = String.valueOf(refused.getSQLState());
        return !(state.startsWith("22") || state.startsWith("23") || state.startsWith("42"));
      }
    }
    return !(failure instanceof FlywayException);
  }
}
