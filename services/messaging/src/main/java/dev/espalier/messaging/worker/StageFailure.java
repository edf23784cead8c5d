package dev.espalier.messaging.worker;

import dev.espalier.schemas.stage.v1.FailureCategory;
import dev.espalier.schemas.stage.v1.FailureCause;

/** An attempt failed for a reason that has a name; the message says what was expected and found. */
public final class StageFailure extends Exception {

  private static final long serialVersionUID = 1L;

  /** The most that a report may carry. */
  private static final int MESSAGE_LIMIT = 4000;

  private final FailureCategory category;
  private final String code;

  public StageFailure(FailureCategory category, String code, String message) {
    super(message);
    this.category = category;
    this.code = code;
  }

  public StageFailure(FailureCategory category, String code, String message, Throwable cause) {
    super(message, cause);
    this.category = category;
    this.code = code;
  }

  public FailureCategory category() {
    return category;
  }

  /** Stable name such as {@code NAN_LOSS}. */
  public String code() {
    return code;
  }

  public FailureCause toCause() {
    String message = String.valueOf(getMessage());
    return FailureCause.newBuilder()
        .setCategory(category)
        .setCode(code)
        .setMessage(message.substring(0, Math.min(message.length(), MESSAGE_LIMIT)))
        .build();
  }
}
