package dev.espalier.eventstore;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import javax.sql.DataSource;

/** Runs work in one database transaction. */
public final class Transactions {

  private static final int ATTEMPTS = 30;
  private static final Set<String> WORTH_REPEATING =
      Set.of(
          // serialization failure
          "40001",
          // deadlock
          "40P01");

  private final DataSource dataSource;

  public Transactions(DataSource dataSource) {
    this.dataSource = dataSource;
  }

  @FunctionalInterface
  public interface Work<T> {
    T run(Connection connection) throws SQLException;
  }

  @FunctionalInterface
  public interface Task {
    void run(Connection connection) throws SQLException;
  }

  /**
   * Runs the work and commits, or rolls back if it throws. Repeated, from the start, on {@link
   * VersionConflict}, deadlock and serialization failure.
   */
  public <T> T call(Work<T> work) throws SQLException {
    for (int attempt = 1; ; attempt++) {
      try {
        return once(work);
      } catch (VersionConflict conflict) {
        if (attempt == ATTEMPTS) {
          throw conflict;
        }
      } catch (SQLException e) {
        if (attempt == ATTEMPTS || !WORTH_REPEATING.contains(String.valueOf(e.getSQLState()))) {
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
      connection.setAutoCommit(false);
      boolean committed = false;
      try {
        T result = work.run(connection);
        connection.commit();
        committed = true;
        return result;
      } finally {
        if (!committed) {
          rollBack(connection);
        }
      }
    }
  }

  private static void rollBack(Connection connection) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      // The connection is gone, and the transaction with it; what broke it is already on its way.
    }
  }

  private static void pause(int attempt) throws SQLException {
    try {
      Thread.sleep(ThreadLocalRandom.current().nextLong(1, 3 + Math.min(attempt, 10) * 4L));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SQLException("interrupted between two attempts at a transaction", e);
    }
  }
}
