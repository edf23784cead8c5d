package dev.espalier.messaging.consume;

/**
 * Thrown by a handler that must not go on at all, for instance because a newer writer's event
 * belongs to a stream that this replica decides on. The loop ends without committing the record and
 * is no longer alive, so that readiness turns red.
 */
public class StopReading extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public StopReading(String message) {
    super(message);
  }

  public StopReading(String message, Throwable cause) {
    super(message, cause);
  }
}
