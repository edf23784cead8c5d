package dev.espalier.scheduler.intake;

import dev.espalier.scheduler.api.Problem;
import dev.espalier.scheduler.stream.Cause;
import dev.espalier.scheduler.stream.SweepStreams;
import dev.espalier.scheduler.stream.TrialStreams;
import dev.espalier.sweep.lifecycle.SweepCommand;
import dev.espalier.sweep.lifecycle.TrialCommand;
import dev.espalier.sweep.spec.Violation;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * Pauses, resumes, cancels and deletes sweeps and their trials, whichever door asks. Asking twice
 * changes nothing. What follows for the stages is carried to them from the events, and to their
 * workers by {@code RevokeStage}.
 */
public final class Steering {

  private static final String TEAM = "select team from sweep where sweep_id = ?";

  private static final String TRIAL = "select 1 from trial where sweep_id = ? and trial_id = ?";

  private final SweepStreams sweeps;
  private final TrialStreams trials;

  public Steering(SweepStreams sweeps, TrialStreams trials) {
    this.sweeps = sweeps;
    this.trials = trials;
  }

  /**
   * Whose the sweep is.
   *
   * @throws RefusedSweep if there is no such sweep
   */
  public String team(Connection connection, String sweepId) throws RefusedSweep, SQLException {
    try (PreparedStatement select = connection.prepareStatement(TEAM)) {
      select.setString(1, sweepId);
      try (ResultSet row = select.executeQuery()) {
        if (!row.next()) {
          throw new RefusedSweep(
              new Violation("sweepId", "the id of an accepted sweep", quoted(sweepId)));
        }
        return row.getString(1);
      }
    }
  }

  public void steer(Connection connection, String sweepId, SweepCommand command, Cause cause)
      throws SQLException {
    sweeps.decide(connection, sweepId, command, cause);
  }

  /**
   * Forgets a sweep that has ended: nobody is shown it any more.
   *
   * @throws RefusedSweep if it has not ended
   */
  public void delete(Connection connection, String sweepId, Cause cause)
      throws RefusedSweep, SQLException {
    if (sweeps.decide(connection, sweepId, new SweepCommand.Delete(), cause).isEmpty()) {
      throw new RefusedSweep(
          new Violation(
              "sweepId",
              "a sweep that has ended: cancel it first",
              "one that is " + sweeps.load(connection, sweepId).phase()));
    }
  }

  /**
   * @throws RefusedSweep if the sweep has no such trial, or it is not planned yet
   */
  public void steer(
      Connection connection, String sweepId, String trialId, TrialCommand command, Cause cause)
      throws RefusedSweep, SQLException {
    try (PreparedStatement select = connection.prepareStatement(TRIAL)) {
      select.setString(1, sweepId);
      select.setString(2, trialId);
      try (ResultSet row = select.executeQuery()) {
        if (!row.next()) {
          throw new RefusedSweep(
              new Violation("trialId", "the id of a planned trial of the sweep", quoted(trialId)));
        }
      }
    }
    trials.decide(connection, trialId, command, cause);
  }

  private static String quoted(String text) {
    return '"' + Problem.shown(text) + '"';
  }
}
