package dev.espalier.trainer.stage;

import dev.espalier.messaging.worker.StageFailure;
import dev.espalier.messaging.worker.StageParameters;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.schemas.stage.v1.Numerics;

/** Reads what changes a stage's numbers besides its parameters. */
final class Numbers {

  private static final int MAX_THREADS = 1024;

  private Numbers() {}

  static Precision precision(Numerics numerics) throws StageFailure {
    return switch (numerics.getPrecision()) {
      case "", "fp32" -> Precision.FP32;
      case "bf16" -> Precision.BF16;
      default ->
          throw StageParameters.bad(
              "precision", "\"fp32\" or \"bf16\"", "\"" + numerics.getPrecision() + "\"");
    };
  }

  /** Threads of one tensor operation; 0, for stages that do not care, is 1. */
  static int threads(Numerics numerics) throws StageFailure {
    int threads = Math.max(1, numerics.getThreads());
    if (threads > MAX_THREADS) {
      throw StageParameters.bad("threads", "at most " + MAX_THREADS, String.valueOf(threads));
    }
    return threads;
  }
}
