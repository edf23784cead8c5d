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

  /** Uniform in [0, 1), 53 bits. */
  double nextDouble() {
    return (nextLong() >>> 11) * 0x1p-53;
  }

  /** Normal with mean 0 and deviation 1 (Box and Muller); strict, so equal on every machine. */
  double nextGaussian() {
    double radius = StrictMath.sqrt(-2 * StrictMath.log(1 - nextDouble()));
    return radius * StrictMath.cos(2 * StrictMath.PI * nextDouble());
  }

  /** Beta(alpha, alpha), from two gammas. */
  double nextBeta(double alpha) {
    double one = nextGamma(alpha);
    double other = nextGamma(alpha);
    return one + other == 0 ? 0.5 : one / (one + other);
  }

  /** Gamma(shape, 1), Marsaglia and Tsang (2000); below 1 by their boost. */
  private double nextGamma(double shape) {
    if (shape < 1) {
      double boost = StrictMath.pow(1 - nextDouble(), 1 / shape);
      return nextGamma(shape + 1) * boost;
    }
    double d = shape - 1 / 3.0;
    double c = 1 / StrictMath.sqrt(9 * d);
    while (true) {
      double x = nextGaussian();
      double v = 1 + c * x;
      if (v <= 0) {
        continue;
      }
      v = v * v * v;
      if (StrictMath.log(1 - nextDouble()) < 0.5 * x * x + d - d * v + d * StrictMath.log(v)) {
        return d * v;
      }
    }
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
