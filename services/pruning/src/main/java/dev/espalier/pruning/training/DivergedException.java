package dev.espalier.pruning.training;

/** Loss or gradients are no longer finite; more training cannot help, another recipe may. */
public final class DivergedException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final long step;

  /** What was not finite, and where. */
  public DivergedException(long step, double loss, double gradientNorm) {
    super(
        "training diverged at step %d: expected finite numbers but the loss is %s and the gradient"
                .formatted(step, loss)
            + " norm "
            + gradientNorm);
    this.step = step;
  }

  /** A measurement that is not finite, for instance "the reconstruction error". */
  public DivergedException(String what, double found) {
    super("expected finite numbers but %s is %s".formatted(what, found));
    this.step = 0;
  }

  /** The update that was not made, counted from 0; 0 where it was a measurement. */
  public long step() {
    return step;
  }
}
