package dev.espalier.messaging.process;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.ToDoubleFunction;

/**
 * What a process takes of its machine that the JVM does not count: resident memory, most of which
 * is tensors, and the room left where the artifact store lies.
 */
public final class ProcessGauges implements MeterBinder {

  private static final Path STATUS = Path.of("/proc/self/status");
  private static final String RESIDENT = "VmRSS:";

  private final Path store;

  /**
   * @param store root of the artifact store
   */
  public ProcessGauges(Path store) {
    this.store = store.toAbsolutePath();
  }

  @Override
  public void bindTo(MeterRegistry metrics) {
    // Only Linux says; elsewhere a gauge without a value would help nobody.
    if (Files.isReadable(STATUS)) {
      gauge(metrics, "espalier.process.resident", path -> resident());
    }
    gauge(metrics, "espalier.store.free", path -> nearest(path).toFile().getUsableSpace());
    gauge(metrics, "espalier.store.size", path -> nearest(path).toFile().getTotalSpace());
  }

  private void gauge(MeterRegistry metrics, String name, ToDoubleFunction<Path> value) {
    Gauge.builder(name, store, value).baseUnit("bytes").strongReference(true).register(metrics);
  }

  /** The store is made on first use; its disk is there before. */
  private static Path nearest(Path path) {
    Path existing = path;
    while (!Files.exists(existing) && existing.getParent() != null) {
      existing = existing.getParent();
    }
    return existing;
  }

  /** Bytes; NaN where the system does not tell. */
  private static double resident() {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith(RESIDENT)) {
          String kilobytes = line.substring(RESIDENT.length()).replace("kB", "").strip();
          return Long.parseLong(kilobytes) * 1024.0;
        }
      }
    } catch (IOException | NumberFormatException unreadable) {
      return Double.NaN;
    }
    return Double.NaN;
  }
}
