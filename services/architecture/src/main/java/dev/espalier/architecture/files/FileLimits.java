package dev.espalier.architecture.files;

/**
 * How much a file may hold, from the door to the workers. The limits lie within each other: what
 * the command line sends, the scheduler takes; what it registers, a worker reads.
 */
public final class FileLimits {

  /**
   * Pixels of one part (train, validation or test) of a dataset, or its labels, in bytes: 1 GiB. A
   * part is one Java array, which holds less than 2 GiB.
   */
  public static final long PART_BYTES = 1L << 30;

  /**
   * One uploaded file, in bytes: 4 GiB. That is three full parts with their labels, or a model of
   * 10^9 float32 weights.
   */
  public static final long UPLOAD_BYTES = 4L << 30;

  /** Side of a dataset's images, pixels. */
  public static final int IMAGE_SIZE = 1024;

  /** Classes of a dataset: labels have two bytes. */
  public static final int CLASSES = 1 << 16;

  private FileLimits() {}
}
