package dev.espalier.artifacts.store;

import dev.espalier.artifacts.store.CachedArtifactStore.Read;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/** Opens the store that an installation's settings name. */
public final class ArtifactStores {

  private ArtifactStores() {}

  /**
   * The bucket of {@code s3.bucket} where one is set, otherwise the directory.
   *
   * @param directory of the store; beside a bucket it holds files under way only
   * @param setting value of a setting, where it is set
   * @throws IllegalArgumentException naming the setting that is missing or wrong
   */
  public static ArtifactStore open(Path directory, Function<String, Optional<String>> setting) {
    return S3Settings.read(setting)
        .<ArtifactStore>map(s3 -> new S3ArtifactStore(s3, directory.resolve("tmp")))
        .orElseGet(() -> new DirectoryArtifactStore(directory));
  }

  /**
   * The same for those who read much: what comes out of a bucket is kept in {@code
   * <directory>/cache}. A directory is as near as a copy of it would be.
   *
   * @param cacheBytes most bytes that are kept, 0 for none
   * @param reads hears of every reading of the cache
   */
  public static ArtifactStore cached(
      Path directory,
      Function<String, Optional<String>> setting,
      long cacheBytes,
      Consumer<Read> reads) {
    ArtifactStore store = open(directory, setting);
    boolean far = store instanceof S3ArtifactStore && cacheBytes > 0;
    return far
        ? new CachedArtifactStore(store, directory.resolve("cache"), cacheBytes, reads)
        : store;
  }
}
