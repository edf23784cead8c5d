package dev.espalier.sweep.lifecycle;

/** Who does not want a stage to run now: a paused sweep or a paused trial. */
public sealed interface Holder {

  record OfSweep(String sweepId) implements Holder {}

  record OfTrial(String trialId) implements Holder {}

  /** Whether the holder speaks for this claim. */
  default boolean speaksFor(String trialId, StageState.Claim claim) {
    return this instanceof OfSweep sweep
        ? sweep.sweepId().equals(claim.sweepId())
        : ((OfTrial) this).trialId().equals(trialId);
  }
}
