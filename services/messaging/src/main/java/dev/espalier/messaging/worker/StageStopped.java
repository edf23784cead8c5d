package dev.espalier.messaging.worker;

/** A stage stopped because it was asked to, at a step it can go on from. */
public final class StageStopped extends Exception {

  private static final long serialVersionUID = 1L;

  private final long step;

  public StageStopped(String reason, long step) {
    super(reason);
    this.step = step;
  }

  public long step() {
    return step;
  }
}
