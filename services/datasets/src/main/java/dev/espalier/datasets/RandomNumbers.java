package dev.espalier.datasets;

/**
 * Random numbers from a key instead of a running state (SplitMix64): the same key gives the same
 * numbers on every machine, wherever a run was resumed. Written out because the algorithms behind
 * {@code java.util.random} are no promise across releases.
 */
final class RandomNumbers {

  private static final long GOLDEN = 0x9e3779b97f4a7c15L;

  private long state;

  RandomNumbers(long... key) {
    state = GOLDEN;
    for (long part : key) {
      state = mix(state ^ mix(part + GOLDEN));
    }
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }

  long nextLong() {
    state += GOLDEN;
    return mix(state);
  }

  /** Uniform in 0..bound-1; the bias of the multiplication is below bound / 2^32. */
  int nextInt(int bound) {
    return (int) (((nextLong() >>> 32) * bound) >>> 32);
  }

  /** Fisher-Yates in place. */
  void shuffle(int[] values) {
    for (int i = values.length - 1; i > 0; i--) {
      int j = nextInt(i + 1);
      int swapped = values[i];
      values[i] = values[j];
      values[j] = swapped;
    }
  }
}
