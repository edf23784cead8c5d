package dev.espalier.messaging.serde;

/** A record that no try can turn into a valid message. */
public final class UnreadableRecord extends Exception {

  /** Why, as a bounded metric label and dead-letter header. */
  public enum Reason {
    /** No value at all. */
    EMPTY,
    /** Not the protobuf message of this topic. */
    UNPARSABLE,
    /** Breaks a rule that the contract states. */
    INVALID,
    /** Of a type this reader does not know. */
    UNKNOWN_TYPE,
    /** Read well, but handling it failed three times. */
    HANDLER_FAILED;

    /** Lower case with dashes, for labels and headers. */
    public String label() {
      return name().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
    }
  }

  private final Reason reason;

  public UnreadableRecord(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  public UnreadableRecord(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
