package dev.espalier.pruning.evaluation;

import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.ptr.IntByReference;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** What a measurement ran on, in words. */
public final class DeviceName {

  private DeviceName() {}

  /** The part of the CUDA driver that is asked; all return 0 on success. */
  interface Driver extends Library {
    int cuInit(int flags);

    int cuDeviceGet(IntByReference device, int ordinal);

    int cuDeviceGetName(byte[] name, int length, int device);
  }

  /**
   * Model of the processor for {@code cpu}, for {@code gpu0} that of the first GPU; as it was
   * configured where nothing better is known.
   */
  public static String of(String device) {
    if (device.startsWith("gpu")) {
      return gpu(Integer.parseInt(device.substring("gpu".length()))).orElse(device);
    }
    Path info = Path.of("/proc/cpuinfo");
    try (Stream<String> lines = Files.lines(info, StandardCharsets.ISO_8859_1)) {
      return lines
          .filter(line -> line.startsWith("model name") && line.contains(":"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElseGet(() -> System.getProperty("os.arch"));
    } catch (IOException noSuchFileOnThisSystem) {
      return System.getProperty("os.arch");
    }
  }

  private static Optional<String> gpu(int ordinal) {
    try {
      Driver driver = Native.load("libcuda.so.1", Driver.class);
      IntByReference device = new IntByReference();
      byte[] name = new byte[256];
      boolean known =
          driver.cuInit(0) == 0
              && driver.cuDeviceGet(device, ordinal) == 0
              && driver.cuDeviceGetName(name, name.length, device.getValue()) == 0;
      return known ? Optional.of(Native.toString(name, "US-ASCII")) : Optional.empty();
    } catch (UnsatisfiedLinkError noDriverHere) {
      return Optional.empty();
    }
  }
}
