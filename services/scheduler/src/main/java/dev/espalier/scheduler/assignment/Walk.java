package dev.espalier.scheduler.assignment;

import java.util.List;

/** The kinds of stages in the order in which a trial walks them. */
final class Walk {

  static final List<String> KINDS =
      List.of("PRETRAIN", "SEARCH", "PRUNE", "REDISTRIBUTE", "FINETUNE", "EVALUATE");

  /** Losses after which a stage is suspected of killing its workers. */
  private static final int SUSPICIOUS_LOSSES = 2;

  private Walk() {}

  /** Whether a stage of this kind that is interrupted can go on where it was. */
  static boolean hasCheckpoints(String kind) {
    return kind.equals("PRETRAIN") || kind.equals("SEARCH") || kind.equals("FINETUNE");
  }

  /** A measurement tolerates no neighbour, and a suspect endangers them. */
  static boolean runsAlone(String kind, int workerLosses) {
    return kind.equals("EVALUATE") || workerLosses >= SUSPICIOUS_LOSSES;
  }
}
