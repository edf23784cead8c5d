package dev.espalier.scheduler.stream;

import dev.espalier.messaging.consume.StopReading;

/**
 * A stream of ours holds an event that this version does not know: a newer one wrote it. Deciding
 * without it would be wrong, so this replica decides nothing more and says that it is not ready.
 */
public final class UnknownHistory extends StopReading {

  private static final long serialVersionUID = 1L;

  public UnknownHistory(String stream, long version, String type) {
    super(
        "stream "
            + stream
            + " holds event \""
            + type
            + "\" at version "
            + version
            + ", which this version does not know; expected an older writer");
  }
}
