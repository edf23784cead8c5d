package dev.espalier.eventstore;

import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;

/** Runs work in one database transaction. */
public final class Transactions {

  public Transactions(DataSource dataSource) {}

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
    throw new UnsupportedOperationException();
  }

  public void run(Task task) throws SQLException {
    throw new UnsupportedOperationException();
  }
}
