package dev.espalier.scheduler.stream;

import java.sql.Connection;
import java.sql.SQLException;

/** Wakes the assignment loops once the transaction commits: something may be assigned now. */
public final class AssignmentSignal {

  public static final String CHANNEL = "espalier_assignment";

  private AssignmentSignal() {}

  public static void raise(Connection connection) throws SQLException {
    try (var statement = connection.prepareStatement("select pg_notify(?, '')")) {
      statement.setString(1, CHANNEL);
      statement.executeQuery().close();
    }
  }
}
