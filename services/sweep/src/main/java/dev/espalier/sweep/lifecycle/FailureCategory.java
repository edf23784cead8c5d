package dev.espalier.sweep.lifecycle;

/** Who has to act on a failure. */
public enum FailureCategory {
  /** The request is wrong; trying again cannot help. */
  SPEC,
  /** The data or an artifact is wrong. */
  DATA,
  /** A machine ran out of something, or went away. */
  CAPACITY,
  /** A defect of ours. */
  INTERNAL;

  /** Whether another try may end otherwise. */
  public boolean worthRetrying() {
    return switch (this) {
      case SPEC, DATA -> false;
      case CAPACITY, INTERNAL -> true;
    };
  }
}
