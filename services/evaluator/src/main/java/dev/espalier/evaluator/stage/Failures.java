package dev.espalier.evaluator.stage;

import ai.djl.engine.EngineException;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.artifacts.store.ArtifactException;
import dev.espalier.datasets.InvalidDatasetException;
import dev.espalier.messaging.worker.StageFailure;
import dev.espalier.schemas.stage.v1.FailureCategory;
import java.util.Optional;

/** Gives what went wrong a name, and with it who has to act. */
final class Failures {

  private Failures() {}

  /** The failure with a name; empty for what no one foresaw, which is a defect of ours. */
  static Optional<StageFailure> name(Throwable thrown) {
    if (thrown instanceof StageFailure failure) {
      return Optional.of(failure);
    }
    if (thrown instanceof ArtifactException store) {
      return Optional.of(artifact(store));
    }
    if (thrown instanceof InvalidDatasetException) {
      return data("INVALID_DATASET", thrown);
    }
    if (thrown instanceof MalformedFileException) {
      return data("INVALID_FILE", thrown);
    }
    if (isOutOfMemory(thrown)) {
      return failure(FailureCategory.FAILURE_CATEGORY_CAPACITY, "OUT_OF_MEMORY", thrown);
    }
    if (thrown instanceof IllegalArgumentException) {
      return failure(FailureCategory.FAILURE_CATEGORY_SPEC, "BAD_PARAMETER", thrown);
    }
    return Optional.empty();
  }

  private static StageFailure artifact(ArtifactException thrown) {
    return switch (thrown.reason()) {
      case BAD_NAME, MISSING -> data("MISSING_ARTIFACT", thrown).orElseThrow();
      case CORRUPT -> data("CORRUPT_ARTIFACT", thrown).orElseThrow();
      case STORE_FULL, TOO_LARGE ->
          failure(FailureCategory.FAILURE_CATEGORY_CAPACITY, "STORE_FULL", thrown).orElseThrow();
      case UNAVAILABLE ->
          failure(FailureCategory.FAILURE_CATEGORY_CAPACITY, "STORE_UNAVAILABLE", thrown)
              .orElseThrow();
    };
  }

  /** The JVM's heap, or the tensor library's own memory, which it reports by message only. */
  private static boolean isOutOfMemory(Throwable thrown) {
    String message = String.valueOf(thrown.getMessage());
    return thrown instanceof OutOfMemoryError
        || (thrown instanceof EngineException
            && (message.contains("allocate memory") || message.contains("out of memory")));
  }

  private static Optional<StageFailure> data(String code, Throwable thrown) {
    return failure(FailureCategory.FAILURE_CATEGORY_DATA, code, thrown);
  }

  private static Optional<StageFailure> failure(
      FailureCategory category, String code, Throwable thrown) {
    return Optional.of(
        new StageFailure(category, code, String.valueOf(thrown.getMessage()), thrown));
  }
}
