package dev.espalier.messaging.consume;

/** Thrown by a handler that knows that trying again cannot help: dead letter at once. */
public class PermanentFailure extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public PermanentFailure(String message) {
    super(message);
  }

  public PermanentFailure(String message, Throwable cause) {
    super(message, cause);
  }
}
