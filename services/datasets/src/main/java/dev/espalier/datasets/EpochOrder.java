package dev.espalier.datasets;

/** The order in which an epoch visits the images: a function of (seed, epoch) alone. */
public final class EpochOrder {

  private static final long PURPOSE = 0x6f72646572L;

  private EpochOrder() {}

  /**
   * A permutation of 0..size-1.
   *
   * @param epoch from 0
   */
  public static int[] of(int size, long seed, int epoch) {
    int[] order = new int[size];
    for (int i = 0; i < size; i++) {
      order[i] = i;
    }
    new RandomNumbers(PURPOSE, seed, epoch).shuffle(order);
    return order;
  }
}
