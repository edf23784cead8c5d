package dev.espalier.artifacts.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.artifacts.store.ArtifactException.Reason;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What every {@link ArtifactStore} does, whatever it is made of. */
abstract class ArtifactStoreConformance {

  /** SHA-256 of {@code hello}. */
  private static final String HELLO =
      "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

  private static final String ABSENT = "0".repeat(64);

  @TempDir Path directory;
  ArtifactStore store;

  abstract ArtifactStore newStore();

  @BeforeEach
  void openStore() {
    store = newStore();
  }

  @Test
  void namesAnArtifactByTheDigestOfItsBytes() {
    Artifact hello = store.put(bytes("hello"), MediaTypes.BYTES);

    assertThat(hello).isEqualTo(new Artifact(HELLO, 5, MediaTypes.BYTES));
    assertThat(hello.uri()).isEqualTo("artifact:" + HELLO);
    assertThat(Artifact.nameOf(hello.uri())).isEqualTo(HELLO);
  }

  @Test
  void forgetsWhatIsDeletedAndTakesItAgain() {
    store.put(bytes("hello"), MediaTypes.BYTES);

    store.delete(HELLO);
    store.delete(HELLO);

    assertThat(store.contains(HELLO)).isFalse();
    assertThat(store.put(bytes("hello"), MediaTypes.BYTES).sha256()).isEqualTo(HELLO);
    assertThat(store.read(HELLO)).isEqualTo(bytes("hello"));
  }

  @Test
  void givesBackTheBytesItWasGiven() throws IOException {
    byte[] large = new byte[300_001];
    new Random(1).nextBytes(large);

    Artifact artifact = store.put(new ByteArrayInputStream(large), MediaTypes.BYTES);

    assertThat(store.read(artifact.sha256())).isEqualTo(large);
    assertThat(store.size(artifact.sha256())).isEqualTo(large.length);
    assertThat(store.contains(artifact.sha256())).isTrue();
    try (InputStream stream = store.open(artifact.sha256())) {
      assertThat(stream.read()).isEqualTo(large[0] & 0xff);
      assertThat(stream.skip(9)).isEqualTo(9);
      assertThat(stream.readAllBytes()).hasSize(large.length - 10).endsWith(large[300_000]);
    }
    Path copy = directory.resolve("out/of/it/copy.bin");
    store.copyTo(artifact.sha256(), copy);
    assertThat(Files.readAllBytes(copy)).isEqualTo(large);
  }

  @Test
  void storesTheSameBytesOnce() {
    Artifact first = store.put(bytes("hello"), MediaTypes.BYTES);
    Artifact second = store.put(bytes("hello"), MediaTypes.BYTES);

    assertThat(second).isEqualTo(first);
  }

  @Test
  void storesAnEmptyFile() {
    assertThat(store.read(store.put(new byte[0], MediaTypes.BYTES).sha256())).isEmpty();
  }

  @Test
  void namesWhatIsMissing() {
    assertThat(store.contains(ABSENT)).isFalse();
    for (Callable<?> read :
        List.<Callable<?>>of(
            () -> store.read(ABSENT), () -> store.open(ABSENT), () -> store.size(ABSENT))) {
      assertThatThrownBy(read::call)
          .isInstanceOf(ArtifactException.class)
          .hasMessageContaining(ABSENT)
          .extracting(e -> ((ArtifactException) e).reason())
          .isEqualTo(Reason.MISSING);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "2cf24dba",
        "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824",
        "../f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n"
      })
  void takesNothingButADigestForAName(String name) {
    for (Callable<?> use :
        List.<Callable<?>>of(
            () -> store.contains(name),
            () -> store.read(name),
            () -> store.open(name),
            () -> store.size(name),
            () -> new Artifact(name, 0, MediaTypes.BYTES),
            () -> Artifact.nameOf("artifact:" + name))) {
      assertThatThrownBy(use::call)
          .isInstanceOf(ArtifactException.class)
          .extracting(e -> ((ArtifactException) e).reason())
          .isEqualTo(Reason.BAD_NAME);
    }
  }

  @Test
  void storesNothingOfAStreamThatBreaks() {
    InputStream breaking =
        new InputStream() {
          private int left = 100_000;

          @Override
          public int read() throws IOException {
            if (left-- <= 0) {
              throw new IOException("the line went dead");
            }
            return 7;
          }
        };

    assertThatThrownBy(() -> store.put(breaking, MediaTypes.BYTES))
        .isInstanceOf(ArtifactException.class)
        .hasMessageContaining("the line went dead");
    assertThat(leftBehind()).isEmpty();
  }

  @Test
  void storesNothingLongerThanAllowed() {
    assertThat(store.put(new ByteArrayInputStream(bytes("hello")), MediaTypes.BYTES, 5).sha256())
        .isEqualTo(HELLO);

    assertThatThrownBy(
            () -> store.put(new ByteArrayInputStream(bytes("hello!")), MediaTypes.BYTES, 5))
        .isInstanceOf(ArtifactException.class)
        .extracting(e -> ((ArtifactException) e).reason())
        .isEqualTo(Reason.TOO_LARGE);
    assertThat(leftBehind()).isEmpty();
  }

  @Test
  void showsWhatItHoldsAndForgetsOnlyWhatWasNotTouchedSince() {
    store.put(bytes("hello"), MediaTypes.BYTES);
    String other = store.put(bytes("other"), MediaTypes.BYTES).sha256();
    List<StoredArtifact> found = new ArrayList<>();
    store.forEach(found::add);
    assertThat(found).extracting(StoredArtifact::sha256).containsExactlyInAnyOrder(HELLO, other);
    assertThat(found).extracting(StoredArtifact::sizeBytes).containsOnly(5L);
    Instant touched = found.get(0).touchedAt();

    assertThat(store.deleteUntouched(HELLO, touched.minusSeconds(60))).isFalse();
    assertThat(store.read(HELLO)).isEqualTo(bytes("hello"));
    assertThat(store.deleteUntouched(HELLO, touched.plusSeconds(60))).isTrue();
    assertThat(store.contains(HELLO)).isFalse();
    assertThat(store.deleteUntouched(HELLO, touched.plusSeconds(60))).isFalse();

    assertThat(store.touch(HELLO)).isFalse();
    assertThat(store.touch(other)).isTrue();
    assertThat(store.read(other)).isEqualTo(bytes("other"));
    found.clear();
    store.forEach(found::add);
    assertThat(found).hasSize(1);
    assertThat(found.get(0).touchedAt()).isAfterOrEqualTo(touched);
    assertThat(leftBehind()).isEmpty();
  }

  @Test
  void servesManyWritersOfTheSameBytes() throws Exception {
    byte[] same = new byte[200_000];
    new Random(2).nextBytes(same);
    ExecutorService writers = Executors.newFixedThreadPool(8);
    try {
      List<Future<Artifact>> puts = new ArrayList<>();
      for (int i = 0; i < 32; i++) {
        puts.add(writers.submit(() -> store.put(same, MediaTypes.BYTES)));
      }
      Artifact first = puts.get(0).get();
      for (Future<Artifact> put : puts) {
        assertThat(put.get()).isEqualTo(first);
      }
      assertThat(store.read(first.sha256())).isEqualTo(same);
    } finally {
      writers.shutdownNow();
    }
  }

  /** Whatever a failed attempt left in the store, beside finished artifacts. */
  abstract Set<String> leftBehind();

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
