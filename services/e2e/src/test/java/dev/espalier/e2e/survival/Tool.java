package dev.espalier.e2e.survival;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Programs from Debian's packages; a test that needs one that is missing is skipped and says so.
 */
final class Tool {

  private Tool() {}

  /** What the program writes to its standard output. */
  static byte[] run(byte[] input, String... command) throws Exception {
    Process process;
    try {
      process = new ProcessBuilder(List.of(command)).start();
    } catch (IOException missing) {
      assumeTrue(false, command[0] + " is not installed");
      throw missing;
    }
    CompletableFuture<byte[]> errors =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return process.getErrorStream().readAllBytes();
              } catch (IOException e) {
                return e.toString().getBytes(StandardCharsets.UTF_8);
              }
            });
    process.getOutputStream().write(input);
    process.getOutputStream().close();
    byte[] output = process.getInputStream().readAllBytes();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
    if (process.exitValue() != 0) {
      throw new AssertionError(
          String.join(" ", command) + ": " + new String(errors.get(), StandardCharsets.UTF_8));
    }
    return output;
  }
}
