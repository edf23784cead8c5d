package dev.espalier.sweep.lifecycle;

/** How a trial ended. */
public enum TrialOutcome {
  SUCCEEDED,
  FAILED,
  CANCELLED,
  /** By the sweep's strategy or stopping rule. */
  STOPPED
}
