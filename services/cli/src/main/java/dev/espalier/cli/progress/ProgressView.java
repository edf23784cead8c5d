package dev.espalier.cli.progress;

/** Shows a sweep's progress to someone. */
public interface ProgressView extends AutoCloseable {

  /**
   * Shows where it stands.
   *
   * @param elapsedSeconds since the watch began
   */
  void show(Snapshot snapshot, double elapsedSeconds);

  /** Says something beside the progress, for instance that the scheduler does not answer. */
  void note(String message);

  /** Leaves the last picture standing. */
  @Override
  void close();
}
