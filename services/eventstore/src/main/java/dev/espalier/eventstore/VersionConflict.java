package dev.espalier.eventstore;

import dev.espalier.messaging.consume.PassingErrors;

/** Another writer appended first: load again and decide again. */
public final class VersionConflict extends RuntimeException implements PassingErrors.Passing {

  private static final long serialVersionUID = 1L;

  public VersionConflict(String stream, long expected, long found) {
    super("stream " + stream + " was expected at version " + expected + " but is at " + found);
  }
}
