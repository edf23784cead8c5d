package dev.espalier.eventstore;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import javax.sql.DataSource;

/** Runs work in one database transaction. */
public final class Transactions {

  /** Tries of one piece of work; the last error goes to the caller. */
  private static final int TRIES = 30;

  private static final int LONGEST_PAUSE_MS = 40;

  /** Serialization failure and deadlock: another order of the same transactions may do. */
  private static final Set<String> TRY_AGAIN = Set.of("40001", "40P01");

  private final DataSource dataSource;

  public Transactions(DataSource dataSource) {
    this.dataSource = dataSource;
  }

  /** Work with a result. */
  @FunctionalInterface
  public interface Work<T> {
    T run(Connection connection) throws SQLException;
  }

  /** Work without a result. */
  @FunctionalInterface
  public interface Task {
    void run(Connection connection) throws SQLException;
  }

  /**
   * Runs the work and commits, or rolls back if it throws. Repeated, from the start, on {@link
   * VersionConflict}, deadlock and serialization failure, so the work may have no other effects.
   */
  public <T> T call(Work<T> work) throws SQLException {
    for (int attempt = 1; ; attempt++) {
      try {
        return once(work);
      } catch (VersionConflict e) {
        if (attempt == TRIES) {
          throw e;
        }
      } catch (SQLException e) {
        if (attempt == TRIES || !TRY_AGAIN.contains(String.valueOf(e.getSQLState()))) {
          throw e;
        }
      }
      pause(attempt);
    }
  }

  public void run(Task task) throws SQLException {
    call(
        connection -> {
          task.run(connection);
          return null;
        });
  }

  private <T> T once(Work<T> work) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      boolean before = connection.getAutoCommit();
      connection.setAutoCommit(false);
      try {
        T result = work.run(connection);
        connection.commit();
        return result;
      } catch (SQLException | RuntimeException | Error e) {
        rollBack(connection, e);
        throw e;
      } finally {
        restore(connection, before);
      }
    }
  }

  private static void rollBack(Connection connection, Throwable error) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      error.addSuppressed(e);
    }
  }

  private static void restore(Connection connection, boolean autoCommit) {
    try {
      connection.setAutoCommit(autoCommit);
    } catch (SQLException e) {
      // The connection is broken; its pool will see.
    }
  }

  private static void pause(int attempt) throws SQLException {
    try {
      Thread.sleep(
          ThreadLocalRandom.current().nextInt(1, 2 + Math.min(LONGEST_PAUSE_MS, 4 * attempt)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SQLException("interrupted between two tries of a transaction", e);
    }
  }
}
