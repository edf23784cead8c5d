package dev.espalier.artifacts.store;

import dev.espalier.artifacts.store.ArtifactException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

/**
 * What all stores do alike: bytes go to a local file first, so that their digest and length are
 * known and the limit is kept before anything is stored; what comes back is compared with its name.
 *
 * <p>A crash leaves nothing but a temporary file, which a later store removes after a day.
 */
abstract class CheckedArtifactStore implements ArtifactStore {

  private static final Duration FORGOTTEN_AFTER = Duration.ofDays(1);

  private final Path temporary;

  /**
   * Opens the store.
   *
   * @param temporary local directory for files under way, created where it is missing
   */
  CheckedArtifactStore(Path temporary) {
    this.temporary = temporary;
    try {
      Files.createDirectories(temporary);
      removeForgotten();
    } catch (IOException e) {
      throw failure("open", e);
    }
  }

  /** Stores a whole file under its digest; the file may be moved away. */
  abstract void keep(Path written, String sha256, long sizeBytes) throws IOException;

  /** The stored bytes as they are; {@link NoSuchFileException} where there are none. */
  abstract InputStream stored(String sha256) throws IOException;

  @Override
  public final Artifact put(InputStream bytes, String mediaType, long limit) {
    Path written = temporary.resolve(UUID.randomUUID().toString());
    try {
      MessageDigest digest = Digests.sha256();
      long size = write(new Digests.Limited(bytes, limit), written, digest);
      String name = Digests.hex(digest);
      keep(written, name, size);
      return new Artifact(name, size, mediaType);
    } catch (IOException e) {
      throw failure("store an artifact in", e);
    } finally {
      deleteQuietly(written);
    }
  }

  @Override
  public final byte[] read(String sha256) {
    try (InputStream stream = open(sha256)) {
      return stream.readAllBytes();
    } catch (IOException e) {
      throw failure("read artifact " + sha256 + " from", e);
    }
  }

  @Override
  public final InputStream open(String sha256) {
    Artifact.requireName(sha256);
    try {
      return new Digests.Checked(stored(sha256), sha256);
    } catch (NoSuchFileException e) {
      throw ArtifactException.missing(sha256);
    } catch (IOException e) {
      throw failure("read artifact " + sha256 + " from", e);
    }
  }

  @Override
  public final void copyTo(String sha256, Path file) {
    Path target = file.toAbsolutePath();
    Path written = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID());
    try {
      Files.createDirectories(target.getParent());
      try (InputStream stream = open(sha256)) {
        write(stream, written, Digests.sha256());
      }
      move(written, target);
    } catch (IOException e) {
      throw failure("copy artifact " + sha256 + " from", e);
    } finally {
      deleteQuietly(written);
    }
  }

  /** Names the failure: a full disk is told from others by the message of the file system. */
  static ArtifactException failure(String attempt, IOException cause) {
    if (isDiskFull(cause)) {
      return new ArtifactException(Reason.STORE_FULL, "the artifact store is full", cause);
    }
    String found =
        cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    return new ArtifactException(
        Reason.UNAVAILABLE, "cannot %s the artifact store: %s".formatted(attempt, found), cause);
  }

  private static boolean isDiskFull(IOException cause) {
    String reason =
        cause instanceof FileSystemException named ? named.getReason() : cause.getMessage();
    return reason != null
        && (reason.contains("No space left")
            || reason.contains("quota exceeded")
            || reason.contains("File too large"));
  }

  /** Writes a new file that is on the disk when this returns; answers its length. */
  private static long write(InputStream bytes, Path file, MessageDigest digest) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      long size = Digests.copy(bytes, channel, digest);
      channel.force(true);
      return size;
    }
  }

  static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException("the file system cannot rename in one step", e);
    }
  }

  private void removeForgotten() throws IOException {
    Instant before = Instant.now().minus(FORGOTTEN_AFTER);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(temporary)) {
      for (Path file : files) {
        try {
          boolean underWay = !Artifact.isName(file.getFileName().toString());
          if (underWay && Files.getLastModifiedTime(file).toInstant().isBefore(before)) {
            Files.deleteIfExists(file);
          }
        } catch (NoSuchFileException goneMeanwhile) {
          continue;
        }
      }
    }
  }

  private static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException leftForTheNextStore) {
      // a temporary file; removeForgotten takes it
    }
  }
}
