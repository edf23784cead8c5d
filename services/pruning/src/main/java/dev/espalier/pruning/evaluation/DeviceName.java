package dev.espalier.pruning.evaluation;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What a measurement ran on, in words. */
public final class DeviceName {

  private DeviceName() {}

  /** Model of the processor for {@code cpu}, otherwise the device as it was configured. */
  public static String of(String device) {
    if (!device.equals("cpu")) {
      return device;
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
}
