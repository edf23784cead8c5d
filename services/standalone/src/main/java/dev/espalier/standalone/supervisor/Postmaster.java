package dev.espalier.standalone.supervisor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The PostgreSQL server process, which detaches from whoever started it and so outlives a killed
 * parent.
 */
final class Postmaster {

  private static final long SMART_MILLIS = 3_000;
  private static final long FAST_MILLIS = 8_000;

  private Postmaster() {}

  /** Ends the server that runs on the given data directory, if one does. Whether one did. */
  static boolean end(Path dataDirectory) {
    Optional<ProcessIdentity> running = find(dataDirectory);
    if (running.isEmpty()) {
      return false;
    }
    ProcessIdentity server = running.get();
    try {
      // SIGINT is a fast shutdown: sessions are cut, the data directory is left clean.
      new ProcessBuilder(List.of("/bin/sh", "-c", "kill -INT " + server.pid()))
          .start()
          .waitFor(SMART_MILLIS, TimeUnit.MILLISECONDS);
      if (!server.awaitEnd(FAST_MILLIS)) {
        server.kill();
        server.awaitEnd(SMART_MILLIS);
      }
    } catch (IOException e) {
      server.kill();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return true;
  }

  /** The live process that the directory's pid file names, if it really is a PostgreSQL server. */
  static Optional<ProcessIdentity> find(Path dataDirectory) {
    Path pidFile = dataDirectory.resolve("postmaster.pid");
    try {
      if (!Files.exists(pidFile)) {
        return Optional.empty();
      }
      List<String> lines = Files.readAllLines(pidFile);
      long pid = Long.parseLong(lines.get(0).strip());
      boolean ours =
          ProcessHandle.of(pid)
              .flatMap(handle -> handle.info().command().or(() -> handle.info().commandLine()))
              .filter(command -> command.contains("postgres"))
              .isPresent();
      return ours ? ProcessIdentity.of(pid) : Optional.empty();
    } catch (IOException | RuntimeException unreadable) {
      return Optional.empty();
    }
  }
}
