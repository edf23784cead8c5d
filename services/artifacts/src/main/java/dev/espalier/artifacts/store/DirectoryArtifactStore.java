package dev.espalier.artifacts.store;

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
 * Artifacts in a directory, {@code <root>/<first two hex digits>/<sha256>}; several processes may
 * share it.
 *
 * <p>A file is written under {@code <root>/tmp}, forced to the disk, then renamed, so that a reader
 * never sees half of one and a crash leaves nothing but a temporary file, which a later store
 * removes after a day.
 */
public final class DirectoryArtifactStore implements ArtifactStore {

  private static final Duration FORGOTTEN_AFTER = Duration.ofDays(1);

  private final Path root;
  private final Path temporary;

  /** Opens the store, creating the directory where it is missing. */
  public DirectoryArtifactStore(Path root) {
    this.root = root.toAbsolutePath().normalize();
    this.temporary = this.root.resolve("tmp");
    try {
      Files.createDirectories(temporary);
      removeForgotten();
    } catch (IOException e) {
      throw failure("open", e);
    }
  }

  @Override
  public Artifact put(InputStream bytes, String mediaType, long limit) {
    Path written = temporary.resolve(UUID.randomUUID().toString());
    try {
      MessageDigest digest = Digests.sha256();
      long size;
      try (FileChannel file = create(written)) {
        size = Digests.copy(new Digests.Limited(bytes, limit), file, digest);
        file.force(true);
      }
      String name = Digests.hex(digest);
      Path target = path(name);
      if (!isSound(target, name)) {
        Files.createDirectories(target.getParent());
        move(written, target);
        force(target.getParent());
      }
      return new Artifact(name, size, mediaType);
    } catch (IOException e) {
      throw failure("store an artifact in", e);
    } finally {
      deleteQuietly(written);
    }
  }

  @Override
  public boolean contains(String sha256) {
    return Files.isRegularFile(path(sha256));
  }

  @Override
  public long size(String sha256) {
    try {
      return Files.size(path(sha256));
    } catch (NoSuchFileException e) {
      throw ArtifactException.missing(sha256);
    } catch (IOException e) {
      throw failure("read artifact " + sha256 + " from", e);
    }
  }

  @Override
  public byte[] read(String sha256) {
    try (InputStream stream = open(sha256)) {
      return stream.readAllBytes();
    } catch (IOException e) {
      throw failure("read artifact " + sha256 + " from", e);
    }
  }

  @Override
  public InputStream open(String sha256) {
    try {
      return new Digests.Checked(Files.newInputStream(path(sha256)), sha256);
    } catch (NoSuchFileException e) {
      throw ArtifactException.missing(sha256);
    } catch (IOException e) {
      throw failure("read artifact " + sha256 + " from", e);
    }
  }

  @Override
  public void copyTo(String sha256, Path file) {
    Path target = file.toAbsolutePath();
    Path written = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID());
    try {
      Files.createDirectories(target.getParent());
      try (InputStream stream = open(sha256);
          FileChannel channel = create(written)) {
        Digests.copy(stream, channel, Digests.sha256());
        channel.force(true);
      }
      move(written, target);
    } catch (IOException e) {
      throw failure("copy artifact " + sha256 + " from", e);
    } finally {
      deleteQuietly(written);
    }
  }

  @Override
  public void delete(String sha256) {
    try {
      Files.deleteIfExists(path(sha256));
    } catch (IOException e) {
      throw failure("delete artifact " + sha256 + " from", e);
    }
  }

  /** Names the failure: a full disk is told from the others by the message of the file system. */
  ArtifactException failure(String attempt, IOException cause) {
    String message = "cannot " + attempt + " the artifact store: " + cause.getMessage();
    return isDiskFull(cause)
        ? new ArtifactException(
            ArtifactException.Reason.STORE_FULL, "the artifact store is full", cause)
        : new ArtifactException(ArtifactException.Reason.UNAVAILABLE, message, cause);
  }

  static boolean isDiskFull(IOException cause) {
    String reason =
        cause instanceof FileSystemException named ? named.getReason() : cause.getMessage();
    return reason != null
        && (reason.contains("No space left") || reason.contains("quota exceeded"));
  }

  private Path path(String sha256) {
    Artifact.requireName(sha256);
    return root.resolve(sha256.substring(0, 2)).resolve(sha256);
  }

  /** Whether the file is there with the right bytes; a damaged one is stored anew. */
  private static boolean isSound(Path file, String name) throws IOException {
    MessageDigest digest = Digests.sha256();
    try (InputStream stream = Files.newInputStream(file)) {
      byte[] buffer = new byte[Digests.BUFFER_BYTES];
      for (int read = stream.read(buffer); read >= 0; read = stream.read(buffer)) {
        digest.update(buffer, 0, read);
      }
    } catch (NoSuchFileException e) {
      return false;
    }
    return Digests.hex(digest).equals(name);
  }

  private static FileChannel create(Path file) throws IOException {
    return FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (AtomicMoveNotSupportedException e) {
      throw new IOException("the file system cannot rename in one step", e);
    }
  }

  /** Forces the directory entry, without which a power cut may lose the renamed file. */
  private static void force(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private void removeForgotten() throws IOException {
    Instant before = Instant.now().minus(FORGOTTEN_AFTER);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(temporary)) {
      for (Path file : files) {
        try {
          if (Files.getLastModifiedTime(file).toInstant().isBefore(before)) {
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
