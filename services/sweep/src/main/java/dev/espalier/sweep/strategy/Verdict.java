package dev.espalier.sweep.strategy;

import java.util.List;

/** What strategy or stopping rule decides. */
public sealed interface Verdict {

  /**
   * A cell trains on.
   *
   * @param rung that it climbs to, from 1
   * @param epochs that this rung asks for
   * @param top1Accuracy mean over its seeds on the rung below
   * @param rank among {@code entries} of the rung below, from 1
   */
  record Promote(
      String cellId,
      int rung,
      int epochs,
      double top1Accuracy,
      int rank,
      int entries,
      List<String> trialIds)
      implements Verdict {
    public Promote {
      trialIds = List.copyOf(trialIds);
    }
  }

  /**
   * A trial ends before its recovery is over.
   *
   * @param rule "asha", "median" or "loss"
   */
  record Stop(String trialId, String cellId, int epoch, String rule, String reason)
      implements Verdict {}
}
