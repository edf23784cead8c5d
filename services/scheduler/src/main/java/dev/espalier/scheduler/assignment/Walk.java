package dev.espalier.scheduler.assignment;

import java.util.List;

/** The kinds of stages in the order in which a trial walks them. */
final class Walk {

  static final List<String> KINDS =
      List.of("PRETRAIN", "SEARCH", "PRUNE", "REDISTRIBUTE", "FINETUNE", "EVALUATE");

  /** The evaluation that measures no speed. */
  private static final String ACCURACY = "accuracy";

  /** Losses after which a stage is suspected of killing its workers. */
  private static final int SUSPICIOUS_LOSSES = 2;

  private Walk() {}

  /** Whether a stage of this kind that is interrupted can go on where it was. */
  static boolean hasCheckpoints(String kind) {
    return kind.equals("PRETRAIN") || kind.equals("SEARCH") || kind.equals("FINETUNE");
  }

  /** A measurement of speed tolerates no neighbour, and a suspect endangers them. */
  static boolean runsAlone(String kind, String algorithm, int workerLosses) {
    return kind.equals("EVALUATE") && !algorithm.equals(ACCURACY)
        || workerLosses >= SUSPICIOUS_LOSSES;
  }
}
