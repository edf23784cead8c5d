package dev.espalier.artifacts.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.artifacts.store.ArtifactException.Reason;
import dev.espalier.artifacts.store.CachedArtifactStore.Read;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class CachedArtifactStoreTest extends ArtifactStoreConformance {

  private static S3Server server;

  private final List<Read> reads = new CopyOnWriteArrayList<>();

  @BeforeAll
  static void start() {
    server = new S3Server();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Override
  ArtifactStore newStore() {
    server.clear();
    server.fetched.set(0);
    return cached(1 << 20);
  }

  /** Another one of the same directory, as a second process opens it. */
  private ArtifactStore cached(long mostBytes) {
    return new CachedArtifactStore(
        new S3ArtifactStore(server.settings(), directory.resolve("tmp")),
        directory.resolve("cache"),
        mostBytes,
        reads::add);
  }

  @Override
  Set<String> leftBehind() {
    Set<String> left = new HashSet<>();
    for (String place : List.of("tmp", "cache/tmp")) {
      try (Stream<Path> files = Files.list(directory.resolve(place))) {
        files.forEach(file -> left.add(file.toString()));
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
    return left;
  }

  @Test
  void twoStagesAndTwoProcessesFetchOnce() throws IOException {
    String name = store.put(random(300_000, 1), MediaTypes.DATASET).sha256();

    assertThat(store.read(name)).isEqualTo(random(300_000, 1));
    assertThat(store.read(name)).isEqualTo(random(300_000, 1));
    try (InputStream stream = cached(1 << 20).open(name)) {
      assertThat(stream.readAllBytes()).isEqualTo(random(300_000, 1));
    }
    cached(1 << 20).copyTo(name, directory.resolve("copy"));

    assertThat(directory.resolve("copy")).hasBinaryContent(random(300_000, 1));
    assertThat(server.fetched).hasValue(1);
    assertThat(reads).containsExactly(Read.MISS, Read.HIT, Read.HIT, Read.HIT);
    assertThat(leftBehind()).isEmpty();
  }

  @Test
  void twoStagesAtTheSameTimeFetchOnce() throws Exception {
    String name = store.put(random(300_000, 1), MediaTypes.DATASET).sha256();

    inParallel(8, stage -> assertThat(store.read(name)).hasSize(300_000));

    assertThat(server.fetched).hasValue(1);
  }

  @Test
  void aDamagedFileIsFetchedAgainAndNotUsed() throws IOException {
    String name = store.put(bytes("hello"), MediaTypes.BYTES).sha256();
    store.read(name);
    for (String damage : List.of("hellp", "", "hello, world")) {
      Files.writeString(kept(name), damage);

      try (InputStream stream = store.open(name)) {
        assertThat((char) stream.read()).as("the first byte, before any check").isEqualTo('h');
        assertThat(stream.readAllBytes()).isEqualTo(bytes("ello"));
      }
      assertThat(kept(name)).hasContent("hello");
    }

    assertThat(server.fetched).hasValue(4);
    assertThat(reads).containsExactly(Read.MISS, Read.DAMAGED, Read.DAMAGED, Read.DAMAGED);
  }

  @Test
  void whatWasReadLongestAgoGoesFirst() throws IOException {
    store = cached(1000);
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      names.add(store.put(random(300, i), MediaTypes.BYTES).sha256());
    }
    Instant now = Instant.now();
    for (int i = 0; i < 3; i++) {
      store.read(names.get(i));
      Files.setLastModifiedTime(kept(names.get(i)), FileTime.from(now.minusSeconds(60 - i)));
    }
    store.read(names.get(0));

    store.read(names.get(3));

    assertThat(names.stream().map(this::kept).filter(Files::exists))
        .containsExactly(kept(names.get(0)), kept(names.get(2)), kept(names.get(3)));
  }

  @Test
  void whatIsLongerThanTheWholeCacheIsReadPastIt() {
    store = cached(1000);
    String small = store.put(random(1000, 1), MediaTypes.BYTES).sha256();
    String large = store.put(random(1001, 2), MediaTypes.BYTES).sha256();

    store.read(small);
    assertThat(store.read(large)).isEqualTo(random(1001, 2));

    assertThat(kept(small)).exists();
    assertThat(kept(large)).doesNotExist();
  }

  @Test
  void aDirectoryThatTakesNothingCostsAFetchAndNothingElse() throws IOException {
    String name = store.put(bytes("hello"), MediaTypes.BYTES).sha256();
    Files.writeString(kept(name).getParent(), "a file where a directory should be");

    assertThat(store.read(name)).isEqualTo(bytes("hello"));
    assertThat(store.read(name)).isEqualTo(bytes("hello"));
    assertThat(reads).containsExactly(Read.MISS, Read.MISS);
  }

  @Test
  void aDamagedObjectIsNotKept() {
    String name = store.put(bytes("hello"), MediaTypes.BYTES).sha256();
    server.damage("espalier/" + name.substring(0, 2) + "/" + name, bytes("hellp"));

    assertThatThrownBy(() -> store.read(name))
        .isInstanceOf(ArtifactException.class)
        .extracting(e -> ((ArtifactException) e).reason())
        .isEqualTo(Reason.CORRUPT);

    assertThat(kept(name)).doesNotExist();
    assertThat(leftBehind()).isEmpty();
  }

  /** Processes evict each other's files while they are read. */
  @Test
  void readersThatMakeRoomForEachOtherReadTheRightBytes() throws Exception {
    List<ArtifactStore> processes = List.of(cached(250_000), cached(250_000));
    List<String> names = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      names.add(store.put(random(100_000, i), MediaTypes.BYTES).sha256());
    }

    inParallel(
        4,
        stage -> {
          Random random = new Random(stage);
          for (int i = 0; i < 25; i++) {
            int which = random.nextInt(names.size());
            assertThat(processes.get(stage % 2).read(names.get(which)))
                .isEqualTo(random(100_000, which));
          }
        });

    assertThat(names.stream().map(this::kept).filter(Files::exists).count()).isLessThanOrEqualTo(2);
    assertThat(leftBehind()).isEmpty();
  }

  @Test
  void whatACollectorRemovedIsStillTheRightBytes() {
    String name = store.put(bytes("hello"), MediaTypes.BYTES).sha256();
    store.read(name);

    new S3ArtifactStore(server.settings(), directory.resolve("tmp")).delete(name);

    assertThat(store.contains(name)).isFalse();
    assertThat(store.read(name)).isEqualTo(bytes("hello"));
    store.delete(name);
    assertThat(kept(name)).doesNotExist();
  }

  @Test
  void onlyABucketIsCachedAndOnlyWhereThereIsRoom() {
    Map<String, String> settings = new HashMap<>();
    assertThat(open(settings, 1000)).isInstanceOf(DirectoryArtifactStore.class);
    settings.put("s3.bucket", S3Server.BUCKET);
    settings.put("s3.endpoint", "http://127.0.0.1:" + server.port);
    settings.put("s3.access-key-id", S3Server.KEY);
    settings.put("s3.secret-access-key", S3Server.SECRET);
    assertThat(open(settings, 0)).isInstanceOf(S3ArtifactStore.class);
    assertThat(open(settings, 1000)).isInstanceOf(CachedArtifactStore.class);
  }

  private ArtifactStore open(Map<String, String> settings, long cacheBytes) {
    return ArtifactStores.cached(
        directory.resolve("root"),
        name -> Optional.ofNullable(settings.get(name)),
        cacheBytes,
        reads::add);
  }

  private Path kept(String name) {
    return directory.resolve("cache").resolve(name.substring(0, 2)).resolve(name);
  }

  private interface Stage {
    void run(int number) throws Exception;
  }

  private static void inParallel(int stages, Stage stage) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(stages);
    try {
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < stages; i++) {
        int number = i;
        running.add(
            threads.submit(
                () -> {
                  stage.run(number);
                  return null;
                }));
      }
      for (Future<?> ended : running) {
        ended.get();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private static byte[] random(int size, long seed) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
