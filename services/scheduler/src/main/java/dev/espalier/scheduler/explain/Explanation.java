package dev.espalier.scheduler.explain;

import java.time.Instant;
import java.util.List;

/**
 * Why a trial is where it is.
 *
 * @param state PLANNED, RUNNING, SUCCEEDED, FAILED, CANCELLED
 * @param why one sentence on now
 * @param history what led here, oldest first
 */
public record Explanation(
    String trialId, String sweepId, String state, String why, List<Line> history) {

  /**
   * An event in words.
   *
   * @param subject the sweep, the trial, or the kind of the stage
   * @param because the event or request that led to it; empty where the clock did, or where that is
   *     not on record
   * @param eventId of the event, as auditors know it
   */
  public record Line(Instant at, String subject, String what, String because, String eventId) {}

  public Explanation {
    history = List.copyOf(history);
  }
}
