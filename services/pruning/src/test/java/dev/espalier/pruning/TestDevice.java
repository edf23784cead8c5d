package dev.espalier.pruning;

import dev.espalier.pruning.tensor.EngineSettings;

/**
 * Where the tests of this process run: on the processor, or on what {@code
 * -Despalier.test.device=gpu0} names. A process has one device, so that all tests go there; those
 * of {@link OnGpu} ask for a name, and take {@code cpu} too.
 */
public final class TestDevice {

  private static final String NAME = System.getProperty("espalier.test.device");

  private TestDevice() {}

  /** Whether a device was named. */
  public static boolean isNamed() {
    return NAME != null;
  }

  /** One thread on that device. */
  public static EngineSettings settings() {
    return EngineSettings.of(NAME == null ? "cpu" : NAME, 1);
  }
}
