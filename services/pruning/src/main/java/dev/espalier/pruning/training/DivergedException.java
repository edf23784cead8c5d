package dev.espalier.pruning.training;

/** Loss or gradients are no longer finite; more training cannot help, another recipe may. */
public final class DivergedException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final long step;

  DivergedException(long step, double loss, double gradientNorm) {
    super(
        "training diverged at step %d: expected finite numbers but the loss is %s and the gradient"
                .formatted(step, loss)
            + " norm "
            + gradientNorm);
    this.step = step;
  }

  /** The update that was not made, counted from 0. */
  public long step() {
    return step;
  }
}
