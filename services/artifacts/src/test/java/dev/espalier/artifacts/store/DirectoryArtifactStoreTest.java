package dev.espalier.artifacts.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.espalier.artifacts.store.ArtifactException.Reason;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class DirectoryArtifactStoreTest extends ArtifactStoreConformance {

  @Override
  ArtifactStore newStore() {
    return new DirectoryArtifactStore(directory.resolve("store"));
  }

  @Override
  Set<String> leftBehind() {
    try (Stream<Path> files = Files.list(directory.resolve("store/tmp"))) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void laysFilesUnderTheFirstTwoDigits() {
    Artifact hello = store.put(bytes("hello"), MediaTypes.BYTES);

    assertThat(directory.resolve("store/2c").resolve(hello.sha256())).hasContent("hello");
    assertThat(leftBehind()).isEmpty();
  }

  @Test
  void noticesAChangedFileAndStoresItAnew() throws IOException {
    Artifact hello = store.put(bytes("hello"), MediaTypes.BYTES);
    Path file = directory.resolve("store/2c").resolve(hello.sha256());
    Files.writeString(file, "hellp");

    assertThatThrownBy(() -> store.read(hello.sha256()))
        .isInstanceOf(ArtifactException.class)
        .extracting(e -> ((ArtifactException) e).reason())
        .isEqualTo(Reason.CORRUPT);
    Path copy = directory.resolve("copy");
    assertThatThrownBy(() -> store.copyTo(hello.sha256(), copy))
        .isInstanceOf(ArtifactException.class);
    assertThat(copy).doesNotExist();

    store.put(bytes("hello"), MediaTypes.BYTES);
    assertThat(store.read(hello.sha256())).isEqualTo(bytes("hello"));
  }

  @Test
  void removesWhatACrashedWriterLeftADayAgo() throws IOException {
    Path old = Files.writeString(directory.resolve("store/tmp/old"), "half");
    Path young = Files.writeString(directory.resolve("store/tmp/young"), "half");
    Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofHours(25))));

    newStore();

    assertThat(old).doesNotExist();
    assertThat(young).exists();
  }

  @Test
  void writingAndTouchingMakeAnArtifactYoung() throws IOException {
    Artifact hello = store.put(bytes("hello"), MediaTypes.BYTES);
    Path file = directory.resolve("store/2c").resolve(hello.sha256());
    FileTime old = FileTime.from(Instant.now().minus(Duration.ofDays(9)));
    Instant yesterday = Instant.now().minus(Duration.ofDays(1));

    Files.setLastModifiedTime(file, old);
    store.put(bytes("hello"), MediaTypes.BYTES);
    assertThat(store.deleteUntouched(hello.sha256(), yesterday)).isFalse();

    Files.setLastModifiedTime(file, old);
    store.touch(hello.sha256());
    assertThat(store.deleteUntouched(hello.sha256(), yesterday)).isFalse();

    Files.setLastModifiedTime(file, old);
    assertThat(store.deleteUntouched(hello.sha256(), yesterday)).isTrue();
  }

  @Test
  void bringsBackWhatACrashedCollectorHadMovedAside() throws IOException {
    Artifact hello = store.put(bytes("hello"), MediaTypes.BYTES);
    Path file = directory.resolve("store/2c").resolve(hello.sha256());
    Path aside = directory.resolve("store/tmp").resolve(hello.sha256());
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofDays(9))));
    Files.move(file, aside);

    assertThat(newStore().read(hello.sha256())).isEqualTo(bytes("hello"));
    assertThat(aside).doesNotExist();
  }

  @Test
  void callsAFullDiskByItsName() throws Exception {
    Path full = Path.of("/dev/full"); // every write to it fails as on a full disk
    assumeTrue(Files.isWritable(full), "no /dev/full on this system");
    MessageDigest digest = MessageDigest.getInstance("SHA-256");

    try (FileChannel channel = FileChannel.open(full, StandardOpenOption.WRITE)) {
      assertThatThrownBy(
              () -> Digests.copy(new ByteArrayInputStream(bytes("hello")), channel, digest))
          .isInstanceOfSatisfying(
              IOException.class,
              e ->
                  assertThat(CheckedArtifactStore.failure("store an artifact in", e).reason())
                      .isEqualTo(Reason.STORE_FULL));
    }
  }
}
