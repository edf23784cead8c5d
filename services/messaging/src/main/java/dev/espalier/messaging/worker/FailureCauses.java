package dev.espalier.messaging.worker;

import dev.espalier.schemas.stage.v1.FailureCategory;
import java.io.IOException;

/** Gives names to failures that their executor did not name. */
final class FailureCauses {

  private FailureCauses() {}

  static StageFailure of(Throwable error, String stageId) {
    for (Throwable cause = error; cause != null; cause = cause.getCause()) {
      if (cause instanceof StageFailure named) {
        return named;
      }
      if (cause instanceof OutOfMemoryError) {
        return new StageFailure(
            FailureCategory.FAILURE_CATEGORY_CAPACITY,
            "OUT_OF_MEMORY",
            "stage " + stageId + " ran out of memory: " + cause.getMessage(),
            error);
      }
      if (cause instanceof IOException && isDiskFull(cause)) {
        return new StageFailure(
            FailureCategory.FAILURE_CATEGORY_CAPACITY,
            "DISK_FULL",
            "stage " + stageId + " found no space left: " + cause.getMessage(),
            error);
      }
    }
    return new StageFailure(
        FailureCategory.FAILURE_CATEGORY_INTERNAL,
        "UNEXPECTED_ERROR",
        "stage " + stageId + " failed with " + error,
        error);
  }

  private static boolean isDiskFull(Throwable cause) {
    String message = String.valueOf(cause.getMessage());
    return message.contains("No space left") || message.contains("Disk quota exceeded");
  }
}
