package dev.espalier.benchmarks;

/** {@code espalier bench train}. */
public final class BenchTrain {

  private BenchTrain() {}

  /** Options as {@link BenchOptions}; exit code 0, or 2 where they are wrong. */
  public static void main(String[] arguments) {
    System.exit(VitBench.main(VitBench.Mode.TRAIN, arguments));
  }
}
