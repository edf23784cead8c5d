package dev.espalier.artifacts.store;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Artifacts in a directory, {@code <root>/<first two hex digits>/<sha256>}; several processes may
 * share it.
 *
 * <p>A file is written under {@code <root>/tmp}, forced to the disk, then renamed, so that a reader
 * never sees half of one.
 */
public final class DirectoryArtifactStore extends CheckedArtifactStore {

  private static final String TEMPORARY = "tmp";

  private final Path root;

  /** Where an artifact lies under its name while it is decided whether it goes. */
  private final Path aside;

  /** Opens the store, creating the directory where it is missing. */
  public DirectoryArtifactStore(Path root) {
    super(root.toAbsolutePath().normalize().resolve(TEMPORARY));
    this.root = root.toAbsolutePath().normalize();
    this.aside = this.root.resolve(TEMPORARY);
    try {
      for (StoredArtifact crashed : filesIn(aside)) {
        Path file = path(crashed.sha256());
        if (Files.exists(file)) { // written anew meanwhile
          Files.deleteIfExists(aside.resolve(crashed.sha256()));
        } else {
          move(aside.resolve(crashed.sha256()), file);
        }
      }
    } catch (NoSuchFileException mendedByAnother) {
      // which is as well
    } catch (IOException e) {
      throw failure("open", e);
    }
  }

  @Override
  void keep(Path written, String sha256, long sizeBytes) throws IOException {
    Path target = path(sha256);
    if (!isSound(target, sha256) || !touch(sha256)) {
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

  @Override
  public boolean touch(String sha256) {
    try {
      Files.setLastModifiedTime(path(sha256), FileTime.from(Instant.now()));
      return true;
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      throw failure("touch artifact " + sha256 + " in", e);
    }
  }

  /**
   * The file is moved aside before its time is read: whoever touches it comes before, and is seen,
   * or finds it gone and writes it. A crash in between is mended when a store is opened.
   */
  @Override
  public boolean deleteUntouched(String sha256, Instant since) {
    Path file = path(sha256);
    Path moved = aside.resolve(sha256);
    try {
      move(file, moved);
      if (Files.getLastModifiedTime(moved).toInstant().isBefore(since)) {
        Files.delete(moved);
        return true;
      }
      move(moved, file);
      return false;
    } catch (NoSuchFileException gone) {
      return false;
    } catch (IOException e) {
      throw failure("delete artifact " + sha256 + " from", e);
    }
  }

  @Override
  public void forEach(Consumer<StoredArtifact> action) {
    for (int fan = 0; fan < 256; fan++) {
      try {
        filesIn(root.resolve("%02x".formatted(fan))).forEach(action);
      } catch (IOException e) {
        throw failure("list", e);
      }
    }
  }

  /** Files that have an artifact's name. */
  private static List<StoredArtifact> filesIn(Path directory) throws IOException {
    List<StoredArtifact> found = new ArrayList<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        String name = file.getFileName().toString();
        try {
          if (Artifact.isName(name)) {
            var attributes = Files.readAttributes(file, BasicFileAttributes.class);
            found.add(
                new StoredArtifact(
                    name, attributes.size(), attributes.lastModifiedTime().toInstant()));
          }
        } catch (NoSuchFileException goneMeanwhile) {
          continue;
        }
      }
    } catch (NoSuchFileException nothingYet) {
      return List.of();
    }
    return found;
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
