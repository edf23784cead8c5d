package dev.espalier.benchmarks;

/** {@code espalier bench infer}. */
public final class BenchInfer {

  private BenchInfer() {}

  /** Options as {@link BenchOptions}; exit code 0, or 2 where they are wrong. */
  public static void main(String[] arguments) {
    System.exit(VitBench.main(VitBench.Mode.INFER, arguments));
  }
}
