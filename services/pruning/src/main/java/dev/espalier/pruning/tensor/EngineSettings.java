package dev.espalier.pruning.tensor;

import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * How the tensor engine of this process is started.
 *
 * @param device {@code cpu} or {@code gpu0}, {@code gpu1}, ...
 * @param threads threads of one operation; results are bit-equal only between runs of equal threads
 * @param cacheDirectory where the engine unpacks its native library (about 450 MB), shared by all
 *     processes of a user; empty for the default of the engine, {@code ~/.djl.ai}
 */
public record EngineSettings(String device, int threads, Optional<Path> cacheDirectory) {

  private static final Pattern DEVICE = Pattern.compile("cpu|gpu\\d{1,2}");

  public EngineSettings {
    if (!DEVICE.matcher(device).matches()) {
      throw new IllegalArgumentException("device must be cpu or gpu<n> but is " + device);
    }
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException("threads must be in 1..1024 but is " + threads);
    }
  }

  /** That device, with that many threads for one operation. */
  public static EngineSettings of(String device, int threads) {
    return new EngineSettings(device, threads, Optional.empty());
  }

  /** Whether it is a GPU. */
  public boolean isGpu() {
    return !device.equals("cpu");
  }

  /** The processor, with that many threads for one operation. */
  public static EngineSettings cpu(int threads) {
    return of("cpu", threads);
  }
}
