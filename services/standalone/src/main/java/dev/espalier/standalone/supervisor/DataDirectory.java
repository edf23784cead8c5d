package dev.espalier.standalone.supervisor;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Everything that an embedded installation keeps, below one directory that one supervisor holds at
 * a time. The kernel gives the lock back when its holder ends, however that happens.
 */
final class DataDirectory implements AutoCloseable {

  /** Thrown where another supervisor holds the directory. */
  static final class Taken extends Exception {
    Taken(Path root) {
      super("another Espalier runs on " + root);
    }
  }

  private final Path root;
  private final FileChannel channel;
  private final FileLock lock;

  private DataDirectory(Path root, FileChannel channel, FileLock lock) {
    this.root = root;
    this.channel = channel;
    this.lock = lock;
  }

  /**
   * Waits up to the given time for the directory; whoever only looks holds the lock for a moment.
   */
  static DataDirectory take(Path root, long patienceMillis)
      throws IOException, Taken, InterruptedException {
    Files.createDirectories(root);
    FileChannel channel =
        FileChannel.open(root.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    long deadline = System.nanoTime() + patienceMillis * 1_000_000;
    while (true) {
      FileLock lock = tryLock(channel);
      if (lock != null) {
        DataDirectory directory = new DataDirectory(root, channel, lock);
        for (String part : new String[] {"run", "logs", "store"}) {
          Files.createDirectories(root.resolve(part));
        }
        return directory;
      }
      if (System.nanoTime() > deadline) {
        channel.close();
        throw new Taken(root);
      }
      Thread.sleep(50);
    }
  }

  private static FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException heldByThisJvm) {
      return null;
    }
  }

  Path root() {
    return root;
  }

  Path broker() {
    return root.resolve("broker");
  }

  Path postgres() {
    return root.resolve("postgres");
  }

  /** Where the PostgreSQL server itself works. */
  Path cluster() {
    return postgres().resolve("cluster");
  }

  Path store() {
    return root.resolve("store");
  }

  Path state() {
    return root.resolve("run/state.json");
  }

  Path log(String child) {
    return root.resolve("logs").resolve(child + ".log");
  }

  @Override
  public void close() throws IOException {
    lock.release();
    channel.close();
  }
}
