package dev.espalier.messaging.consume;

import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.sql.SQLException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientException;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.errors.RetriableException;

/** Tells errors that pass by waiting, such as an outage, from those that do not. */
public final class PassingErrors {

  /**
   * Classes of SQLSTATE: connection, transaction rollback, resources, operator intervention, system
   * error; lock not available.
   */
  private static final List<String> PASSING_STATES = List.of("08", "40", "53", "57", "58", "55P03");

  private static final int DEPTH = 20;

  /** Marks exceptions of other modules that pass by trying again. */
  public interface Passing {}

  private PassingErrors() {}

  /** Whether waiting may help with the error or one of its causes. */
  public static boolean isPassing(Throwable error) {
    Throwable cause = error;
    for (int depth = 0; cause != null && depth < DEPTH; depth++, cause = cause.getCause()) {
      if (cause instanceof SQLException sql ? isPassing(sql) : isOutage(cause)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isPassing(SQLException error) {
    String state = error.getSQLState();
    // A pool that has no connection to give says so without a state.
    return state == null
        || error instanceof SQLTransientException
        || error instanceof SQLRecoverableException
        || PASSING_STATES.stream().anyMatch(state::startsWith);
  }

  private static boolean isOutage(Throwable error) {
    return error instanceof Passing
        || error instanceof RetriableException
        || error instanceof TimeoutException
        || error instanceof SocketException
        || error instanceof SocketTimeoutException;
  }
}
