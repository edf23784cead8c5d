package dev.espalier.artifacts.store;

import dev.espalier.artifacts.store.ArtifactException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Keeps what was read from a store far away in a directory of this machine, up to so many bytes;
 * what was read longest ago goes first. Stages and processes may share the directory.
 *
 * <p>Only reading is different: everything else asks the store itself. A kept file is compared with
 * its digest before it is used, one that was damaged is fetched again, and trouble with the
 * directory costs a fetch and nothing else.
 */
public final class CachedArtifactStore implements ArtifactStore {

  /** What became of a reader. */
  public enum Read {
    /** Served by the directory. */
    HIT,
    /** Was not there. */
    MISS,
    /** Was there, but not as it had been written. */
    DAMAGED;

    /** As metrics name it. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final int TURNS = 16;

  private final ArtifactStore far;
  private final DirectoryArtifactStore near;
  private final long mostBytes;
  private final Consumer<Read> reads;

  /** One of this process at a time fetches an artifact; by the first digit of its name. */
  private final Object[] turns = new Object[TURNS];

  /**
   * Opens the cache.
   *
   * @param far the store itself
   * @param directory of the files kept, created where it is missing
   * @param mostBytes length of all files kept, together; those just being written come on top
   * @param reads hears of every reading
   */
  public CachedArtifactStore(
      ArtifactStore far, Path directory, long mostBytes, Consumer<Read> reads) {
    this.far = far;
    this.near = new DirectoryArtifactStore(directory);
    this.mostBytes = mostBytes;
    this.reads = reads;
    for (int i = 0; i < TURNS; i++) {
      turns[i] = new Object();
    }
  }

  @Override
  public byte[] read(String sha256) {
    return nearest(sha256, store -> store.read(sha256));
  }

  @Override
  public InputStream open(String sha256) {
    return nearest(sha256, store -> store.open(sha256));
  }

  @Override
  public void copyTo(String sha256, Path file) {
    nearest(
        sha256,
        store -> {
          store.copyTo(sha256, file);
          return file;
        });
  }

  private <T> T nearest(String sha256, Function<ArtifactStore, T> reading) {
    Artifact.requireName(sha256);
    boolean here;
    synchronized (turns[Character.digit(sha256.charAt(0), TURNS)]) {
      Read read = lookUp(sha256);
      reads.accept(read);
      here = read == Read.HIT || fetch(sha256);
    }
    if (here) {
      try {
        return reading.apply(near);
      } catch (ArtifactException goneMeanwhile) {
        // Another process made room.
      }
    }
    return reading.apply(far);
  }

  /** Reads the file to its end before anybody relies on it: a stream tells only there. */
  private Read lookUp(String sha256) {
    try {
      if (!near.touch(sha256)) {
        return Read.MISS;
      }
      try (InputStream kept = near.open(sha256)) {
        kept.transferTo(OutputStream.nullOutputStream());
      }
      return Read.HIT;
    } catch (ArtifactException e) {
      return e.reason() == Reason.CORRUPT ? Read.DAMAGED : Read.MISS;
    } catch (IOException e) {
      return Read.DAMAGED;
    }
  }

  /** Whether the artifact is in the directory now; a damaged file is replaced. */
  private boolean fetch(String sha256) {
    long size = far.size(sha256);
    if (size > mostBytes) {
      return false;
    }
    try (InputStream bytes = far.open(sha256)) {
      makeRoom(size);
      near.put(bytes, MediaTypes.BYTES);
      makeRoom(0); // others may have written meanwhile
      return true;
    } catch (ArtifactException e) {
      if (e.reason() == Reason.STORE_FULL || e.reason() == Reason.UNAVAILABLE) {
        return false; // of the directory, else the store itself will say it
      }
      throw e;
    } catch (IOException e) {
      return false;
    }
  }

  private void makeRoom(long wanted) {
    List<StoredArtifact> kept = new ArrayList<>();
    near.forEach(kept::add);
    kept.sort(Comparator.comparing(StoredArtifact::touchedAt));
    long bytes = wanted + kept.stream().mapToLong(StoredArtifact::sizeBytes).sum();
    for (StoredArtifact oldest : kept) {
      if (bytes <= mostBytes) {
        return;
      }
      near.delete(oldest.sha256());
      bytes -= oldest.sizeBytes();
    }
  }

  /** Goes to the store alone: most of what a stage writes is read elsewhere, or never. */
  @Override
  public Artifact put(InputStream bytes, String mediaType, long limit) {
    return far.put(bytes, mediaType, limit);
  }

  @Override
  public boolean contains(String sha256) {
    return far.contains(sha256);
  }

  @Override
  public long size(String sha256) {
    return far.size(sha256);
  }

  @Override
  public void delete(String sha256) {
    far.delete(sha256);
    forget(sha256);
  }

  @Override
  public boolean touch(String sha256) {
    return far.touch(sha256);
  }

  @Override
  public boolean deleteUntouched(String sha256, Instant since) {
    boolean gone = far.deleteUntouched(sha256, since);
    if (gone) {
      forget(sha256);
    }
    return gone;
  }

  @Override
  public void forEach(Consumer<StoredArtifact> action) {
    far.forEach(action);
  }

  private void forget(String sha256) {
    try {
      near.delete(sha256);
    } catch (ArtifactException keptForNow) {
      // harmless, as it can be nothing else
    }
  }
}
