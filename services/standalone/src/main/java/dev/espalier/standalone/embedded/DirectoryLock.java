package dev.espalier.standalone.embedded;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;

/**
 * Keeps a data directory to one process. The operating system lets go of it when the process dies,
 * so a successor waits only for one that is still on its way out.
 */
final class DirectoryLock implements AutoCloseable {

  private static final long PAUSE_MS = 100;

  private final FileChannel channel;

  private DirectoryLock(FileChannel channel) {
    this.channel = channel;
  }

  /**
   * Waits for the lock.
   *
   * @throws IllegalStateException if another process keeps it beyond the limit
   */
  static DirectoryLock acquire(Path directory, Duration limit) {
    Path file = directory.resolve("espalier.lock");
    try {
      Files.createDirectories(directory);
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      long deadline = System.nanoTime() + limit.toNanos();
      while (!locked(channel)) {
        if (System.nanoTime() > deadline) {
          channel.close();
          throw new IllegalStateException(
              "expected " + directory + " for itself but another process has used it for " + limit);
        }
        Thread.sleep(PAUSE_MS);
      }
      return new DirectoryLock(channel);
    } catch (IOException e) {
      throw new UncheckedIOException("expected a writable directory " + directory, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for " + directory, e);
    }
  }

  private static boolean locked(FileChannel channel) throws IOException {
    try {
      FileLock lock = channel.tryLock();
      return lock != null;
    } catch (OverlappingFileLockException e) {
      // Another server of this process.
      return false;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      // The lock goes with the process.
    }
  }
}
