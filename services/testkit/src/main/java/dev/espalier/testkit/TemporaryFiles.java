package dev.espalier.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Directories that go with the JVM. */
final class TemporaryFiles {

  private TemporaryFiles() {}

  static Path directory(String prefix) {
    try {
      Path directory = Files.createTempDirectory(prefix);
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(directory)));
      return directory;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Best effort: a server that still shuts down may write once more. */
  private static void delete(Path directory) {
    for (int attempt = 0; attempt < 20 && Files.exists(directory); attempt++) {
      try (Stream<Path> files = Files.walk(directory)) {
        files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        if (Files.exists(directory)) {
          Thread.sleep(200);
        }
      } catch (IOException | UncheckedIOException e) {
        // A file went while we looked; try again.
      } catch (InterruptedException e) {
        return;
      }
    }
  }
}
