package dev.espalier.artifacts.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;

/**
 * Artifacts in a directory, {@code <root>/<first two hex digits>/<sha256>}; several processes may
 * share it.
 *
 * <p>A file is written under {@code <root>/tmp}, forced to the disk, then renamed, so that a reader
 * never sees half of one.
 */
public final class DirectoryArtifactStore extends CheckedArtifactStore {

  private final Path root;

  /** Opens the store, creating the directory where it is missing. */
  public DirectoryArtifactStore(Path root) {
    super(root.toAbsolutePath().normalize().resolve("tmp"));
    this.root = root.toAbsolutePath().normalize();
  }

  @Override
  void keep(Path written, String sha256, long sizeBytes) throws IOException {
    Path target = path(sha256);
    if (!isSound(target, sha256)) {
      Files.createDirectories(target.getParent());
      move(written, target);
      force(target.getParent());
    }
  }

  @Override
  InputStream stored(String sha256) throws IOException {
    return Files.newInputStream(path(sha256));
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
  public void delete(String sha256) {
    try {
      Files.deleteIfExists(path(sha256));
    } catch (IOException e) {
      throw failure("delete artifact " + sha256 + " from", e);
    }
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

  /** Forces the directory entry, without which a power cut may lose the renamed file. */
  private static void force(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }
}
