package dev.espalier.artifacts.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.espalier.artifacts.store.ArtifactException.Reason;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class S3ArtifactStoreTest extends ArtifactStoreConformance {

  private static S3Server server;

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
    return new S3ArtifactStore(server.settings(), directory.resolve("tmp"));
  }

  /** Files under way, and objects under names that are no digests of their bytes. */
  @Override
  Set<String> leftBehind() {
    try (Stream<Path> files = Files.list(directory.resolve("tmp"))) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toSet());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String key(String sha256) {
    return "espalier/" + sha256.substring(0, 2) + "/" + sha256;
  }

  @Test
  void laysObjectsUnderThePrefixAndTheFirstTwoDigits() {
    Artifact hello = store.put(bytes("hello"), MediaTypes.BYTES);

    assertThat(server.exists(key(hello.sha256()))).isTrue();
    assertThat(leftBehind()).isEmpty();
  }

  @Test
  void noticesAChangedObjectAndStoresItAnew() {
    Artifact hello = store.put(bytes("hello"), MediaTypes.BYTES);
    server.damage(key(hello.sha256()), bytes("hellp"));

    fails(Reason.CORRUPT, () -> store.read(hello.sha256()));
    Path copy = directory.resolve("copy");
    fails(Reason.CORRUPT, () -> store.copyTo(hello.sha256(), copy));
    assertThat(copy).doesNotExist();

    store.put(bytes("hello"), MediaTypes.BYTES);
    assertThat(store.read(hello.sha256())).isEqualTo(bytes("hello"));
  }

  @Test
  void aLineThatGoesDeadWhileWritingLeavesNoObject() throws IOException {
    byte[] large = random(2_000_000);
    try (CutLine line = new CutLine(server.port, 700_000, Long.MAX_VALUE)) {
      S3ArtifactStore far = over(line);
      fails(Reason.UNAVAILABLE, () -> far.put(large, MediaTypes.BYTES));
      assertThat(line.cut.get()).as("cut in the middle, each time").isEqualTo(3);
    }
    assertThat(leftBehind()).isEmpty();
    assertThat(server.count()).isZero();

    Artifact artifact = store.put(large, MediaTypes.BYTES);
    assertThat(store.read(artifact.sha256())).isEqualTo(large);
  }

  @Test
  void aLineThatGoesDeadWhileReadingIsNoArtifact() throws IOException {
    Artifact artifact = store.put(random(2_000_000), MediaTypes.BYTES);
    Path copy = directory.resolve("copy");
    try (CutLine line = new CutLine(server.port, Long.MAX_VALUE, 700_000)) {
      S3ArtifactStore far = over(line);
      fails(Reason.UNAVAILABLE, () -> far.read(artifact.sha256()));
      fails(Reason.UNAVAILABLE, () -> far.copyTo(artifact.sha256(), copy));
    }
    assertThat(copy).doesNotExist();
  }

  @Test
  void anAbsentServerIsNamed() {
    S3Settings nobody = S3Server.settings(1, S3Server.KEY, S3Server.SECRET);
    S3ArtifactStore far = new S3ArtifactStore(nobody, directory.resolve("tmp"));
    fails(Reason.UNAVAILABLE, () -> far.contains("0".repeat(64)));
  }

  @Test
  void aWrongSecretIsRefusedByTheServer() {
    S3Settings wrong = S3Server.settings(server.port, S3Server.KEY, "guessed");
    S3ArtifactStore stranger = new S3ArtifactStore(wrong, directory.resolve("tmp"));
    assertThatThrownBy(() -> stranger.put(bytes("hello"), MediaTypes.BYTES))
        .hasMessageContaining("SignatureDoesNotMatch");
    assertThat(server.count()).isZero();
  }

  @Test
  void aFullServiceIsToldFromATroubledOne() throws IOException {
    AtomicInteger asked = new AtomicInteger();
    HttpServer full =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    full.createContext(
        "/",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          // Once in trouble, which passes, then full, which does not.
          boolean first = asked.getAndIncrement() == 0;
          byte[] answer = bytes("<Error><Code>XMinioStorageFull</Code></Error>");
          exchange.sendResponseHeaders(first ? 503 : 507, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    full.start();
    try {
      S3Settings settings =
          S3Server.settings(full.getAddress().getPort(), S3Server.KEY, S3Server.SECRET);
      S3ArtifactStore far = new S3ArtifactStore(settings, directory.resolve("tmp"));
      fails(Reason.STORE_FULL, () -> far.put(bytes("hello"), MediaTypes.BYTES));
      assertThat(asked.get()).isEqualTo(2);
      assertThat(leftBehind()).isEmpty();
    } finally {
      full.stop(0);
    }
  }

  @Test
  void neverShowsTheSecret() {
    assertThat(server.settings().toString()).doesNotContain(S3Server.SECRET);
  }

  @Test
  void opensABucketWhereOneIsSetAndNamesWhatIsMissing() {
    Map<String, String> settings = new HashMap<>();
    Path root = directory.resolve("root");
    assertThat(open(root, settings)).isInstanceOf(DirectoryArtifactStore.class);
    settings.put("s3.bucket", S3Server.BUCKET);
    refuses(root, settings, "s3.endpoint");
    settings.put("s3.endpoint", "http://127.0.0.1:" + server.port);
    refuses(root, settings, "s3.access-key-id");
    settings.put("s3.access-key-id", S3Server.KEY);
    refuses(root, settings, "s3.secret-access-key");
    settings.put("s3.secret-access-key", S3Server.SECRET);
    settings.put("s3.path-style", "maybe");
    refuses(root, settings, "s3.path-style");
    settings.put("s3.path-style", "true");
    settings.put("s3.prefix", "../up/");
    refuses(root, settings, "s3.prefix");
    settings.put("s3.prefix", "a/b/");
    Artifact hello = open(root, settings).put(bytes("hello"), MediaTypes.BYTES);
    assertThat(server.exists("a/b/2c/" + hello.sha256())).isTrue();
  }

  private static ArtifactStore open(Path root, Map<String, String> settings) {
    return ArtifactStores.open(root, name -> Optional.ofNullable(settings.get(name)));
  }

  private static void refuses(Path root, Map<String, String> settings, String named) {
    assertThatThrownBy(() -> open(root, settings))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(named);
  }

  private S3ArtifactStore over(CutLine line) {
    return new S3ArtifactStore(
        S3Server.settings(line.port(), S3Server.KEY, S3Server.SECRET), directory.resolve("tmp"));
  }

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(5).nextBytes(bytes);
    return bytes;
  }

  private static void fails(Reason reason, ThrowingCallable attempt) {
    assertThatThrownBy(attempt)
        .isInstanceOf(ArtifactException.class)
        .extracting(e -> ((ArtifactException) e).reason())
        .isEqualTo(reason);
  }
}
