package dev.espalier.sweep.lifecycle;

/**
 * Why something failed.
 *
 * @param code stable name, such as {@code NAN_LOSS}
 * @param message what was expected and what came
 */
public record FailureCause(FailureCategory category, String code, String message) {

  /** The worker stopped renewing its lease. */
  public static final String WORKER_LOST = "WORKER_LOST";

  /** The worker renewed its lease, but the stage made no headway. */
  public static final String STALLED = "STALLED";

  /** The worker gave the stage back. */
  public static final String INTERRUPTED = "INTERRUPTED";
}
