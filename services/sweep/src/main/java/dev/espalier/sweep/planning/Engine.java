package dev.espalier.sweep.planning;

/**
 * Where training and evaluation will run, as far as it changes numbers.
 *
 * @param deviceKind "cpu" or "cuda"
 * @param version of the tensor engine
 */
public record Engine(String deviceKind, String version) {

  /** The engine of this build on a CPU. */
  public static final Engine CPU = new Engine("cpu", "2.7.1");

  /** The same engine on devices of another kind. */
  Engine on(String kind) {
    return new Engine(kind, version);
  }

  Numerics numerics(String precision, int threads) {
    return new Numerics(precision, deviceKind, threads, version);
  }
}
