package dev.espalier.pruning.evaluation;

/** A model in a runtime, ready to be timed against others. */
public interface Contender {

  /**
   * Takes a batch of images to where the model runs, so that a run does not move them.
   *
   * @param pixels normalised, (B, C, S, S) row-major
   */
  Pass open(float[] pixels, int batch, int channels, int side);

  /** Forward passes over one batch. */
  interface Pass extends AutoCloseable {

    /** Makes one pass, from images in place to class scores on the host, and says how long. */
    long nanoseconds();

    @Override
    void close();
  }
}
