package dev.espalier.artifacts.store;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.function.Consumer;

/**
 * Immutable files named by their SHA-256.
 *
 * <p>A file is there completely or not at all, and what is read has the digest it was asked for by,
 * or the read fails. Storing the same bytes twice is one file. All failures are {@link
 * ArtifactException}s with a reason.
 */
public interface ArtifactStore {

  /** Stores all bytes of the stream, of any length. The caller closes the stream. */
  default Artifact put(InputStream bytes, String mediaType) {
    return put(bytes, mediaType, Long.MAX_VALUE);
  }

  /** Stores all bytes of the stream if there are at most {@code limit}, nothing otherwise. */
  Artifact put(InputStream bytes, String mediaType, long limit);

  /** Stores the bytes. */
  default Artifact put(byte[] bytes, String mediaType) {
    return put(new ByteArrayInputStream(bytes), mediaType);
  }

  /** Whether the artifact is here; its bytes are not looked at. */
  boolean contains(String sha256);

  /** Length of the artifact in bytes. */
  long size(String sha256);

  /** All bytes of the artifact, digest checked. */
  byte[] read(String sha256);

  /**
   * The bytes as a stream. The digest is checked when the end is reached: whoever stops early has
   * unchecked bytes. A stream that ends in the wrong digest throws {@link ArtifactException}.
   */
  InputStream open(String sha256);

  /** Writes the artifact, digest checked, to a file that appears completely or not at all. */
  void copyTo(String sha256, Path file);

  /**
   * Removes an artifact; one that is not there is no error. For files whose only reader is their
   * writer, such as an older checkpoint of a running stage.
   */
  void delete(String sha256);

  /**
   * Marks an artifact as used now, as writing it again would: for whoever is about to refer to one
   * that is here already. False where it is missing.
   */
  boolean touch(String sha256);

  /**
   * Removes an artifact unless it was written or touched at or after {@code since}; says whether it
   * went. A writer of the same bytes meanwhile either keeps the file or writes it anew.
   */
  boolean deleteUntouched(String sha256, Instant since);

  /** Shows all artifacts, in no order; one that comes or goes meanwhile may be shown or not. */
  void forEach(Consumer<StoredArtifact> action);
}
