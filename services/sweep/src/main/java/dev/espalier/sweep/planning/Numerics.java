package dev.espalier.sweep.planning;

/**
 * What changes a stage's numbers besides its parameters.
 *
 * @param precision "fp32" or "bf16"
 * @param deviceKind "cpu" or "cuda"
 * @param threads of one operation
 * @param engineVersion of the tensor engine, for instance "2.7.1"
 */
public record Numerics(String precision, String deviceKind, int threads, String engineVersion) {

  /** For stages that compute in plain Java, the same bits everywhere. */
  public static final Numerics HOST = new Numerics("fp32", "cpu", 1, "java");
}
