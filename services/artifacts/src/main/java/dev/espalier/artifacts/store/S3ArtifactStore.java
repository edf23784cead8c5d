package dev.espalier.artifacts.store;

import dev.espalier.artifacts.store.ArtifactException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Artifacts as objects {@code <prefix><first two hex digits>/<sha256>} of an S3-compatible service.
 *
 * <p>Bytes are first written to a local file, so that their digest and length are known, then sent
 * in one request that is signed with the digest: the service stores the whole object or none, and
 * refuses bytes that are not those of the name. What is read is checked again.
 */
public final class S3ArtifactStore implements ArtifactStore {

  private static final int TRIES = 3;
  private static final Duration PAUSE = Duration.ofMillis(200);
  private static final Duration CONNECT = Duration.ofSeconds(10);
  private static final Duration ANSWER = Duration.ofMinutes(10);
  private static final int ERROR_BYTES = 1 << 14;
  private static final Pattern CODE = Pattern.compile("<Code>([A-Za-z0-9]{1,64})</Code>");

  /** Codes by which services say that there is no more room. */
  private static final Pattern FULL = Pattern.compile("XMinioStorageFull|.*Quota.*|.*StorageFull");

  private final S3Settings settings;
  private final Path temporary;
  private final HttpClient client;

  /**
   * Opens the store; the bucket must be there.
   *
   * @param temporary local directory for files under way
   */
  public S3ArtifactStore(S3Settings settings, Path temporary) {
    this.settings = settings;
    this.temporary = temporary;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT)
            .build();
    try {
      Files.createDirectories(temporary);
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
      try (FileChannel file =
          FileChannel.open(written, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        size = Digests.copy(new Digests.Limited(bytes, limit), file, digest);
      }
      String name = Digests.hex(digest);
      // Sent even where an object of the name is there: it might be damaged.
      BodyPublisher body = BodyPublishers.ofFile(written);
      try (Answer answer = ask("PUT", name, body, name)) {
        answer.require("store artifact " + name + " in", 200);
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
    Artifact.requireName(sha256);
    try (Answer answer = ask("HEAD", sha256, BodyPublishers.noBody(), S3Signature.EMPTY)) {
      if (answer.status() == 404) {
        return false;
      }
      answer.require("look for artifact " + sha256 + " in", 200);
      return true;
    } catch (IOException e) {
      throw failure("look for artifact " + sha256 + " in", e);
    }
  }

  @Override
  public long size(String sha256) {
    Artifact.requireName(sha256);
    try (Answer answer = ask("HEAD", sha256, BodyPublishers.noBody(), S3Signature.EMPTY)) {
      if (answer.status() == 404) {
        throw ArtifactException.missing(sha256);
      }
      answer.require("read artifact " + sha256 + " from", 200);
      return answer.response().headers().firstValueAsLong("content-length").orElse(0);
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
    Artifact.requireName(sha256);
    Answer answer = null;
    try {
      answer = ask("GET", sha256, BodyPublishers.noBody(), S3Signature.EMPTY);
      if (answer.status() == 404) {
        throw ArtifactException.missing(sha256);
      }
      answer.require("read artifact " + sha256 + " from", 200);
      InputStream checked = new Digests.Checked(answer.response().body(), sha256);
      answer = null; // the reader closes it
      return checked;
    } catch (IOException e) {
      throw failure("read artifact " + sha256 + " from", e);
    } finally {
      if (answer != null) {
        answer.close();
      }
    }
  }

  @Override
  public void copyTo(String sha256, Path file) {
    Path target = file.toAbsolutePath();
    Path written = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID());
    try {
      Files.createDirectories(target.getParent());
      try (InputStream stream = open(sha256);
          FileChannel channel =
              FileChannel.open(written, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        Digests.copy(stream, channel, Digests.sha256());
        channel.force(true);
      }
      Files.move(
          written, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw failure("copy artifact " + sha256 + " from", e);
    } finally {
      deleteQuietly(written);
    }
  }

  @Override
  public void delete(String sha256) {
    Artifact.requireName(sha256);
    String attempt = "delete artifact " + sha256 + " from";
    try (Answer answer = ask("DELETE", sha256, BodyPublishers.noBody(), S3Signature.EMPTY)) {
      if (answer.status() != 404) {
        answer.require(attempt, 200, 204);
      }
    } catch (IOException e) {
      throw failure(attempt, e);
    }
  }

  /** Asks until there is an answer that is not a passing trouble of the service. */
  private Answer ask(String method, String name, BodyPublisher body, String bodySha256)
      throws IOException {
    URI address = settings.address(name.substring(0, 2) + "/" + name);
    for (int attempt = 1; ; attempt++) {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(address).method(method, body).timeout(ANSWER);
      S3Signature.sign(request, settings, method, address, bodySha256, Instant.now());
      try {
        Answer answer = new Answer(client.send(request.build(), BodyHandlers.ofInputStream()));
        boolean passing = answer.status() == 500 || answer.status() == 503;
        if (!passing || attempt == TRIES) {
          return answer;
        }
        answer.close();
      } catch (IOException e) {
        if (attempt == TRIES) {
          throw e;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
      pause(attempt);
    }
  }

  private static void pause(int attempt) throws IOException {
    try {
      Thread.sleep(PAUSE.toMillis() << attempt);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** What the service said; closing it drops what was not read. */
  private record Answer(HttpResponse<InputStream> response) implements AutoCloseable {

    int status() {
      return response.statusCode();
    }

    /** Fails by name unless the status is one of those. */
    void require(String attempt, int... expected) throws IOException {
      for (int status : expected) {
        if (status() == status) {
          return;
        }
      }
      String text =
          new String(response.body().readNBytes(ERROR_BYTES), StandardCharsets.UTF_8).strip();
      Matcher code = CODE.matcher(text);
      String reason = code.find() ? code.group(1) : "no code";
      String message =
          "cannot %s the artifact store: status %d, %s".formatted(attempt, status(), reason);
      boolean full = status() == 507 || FULL.matcher(reason).matches();
      throw new ArtifactException(full ? Reason.STORE_FULL : Reason.UNAVAILABLE, message);
    }

    @Override
    public void close() {
      try {
        response.body().close();
      } catch (IOException alreadyGone) {
        // nothing was wanted of it any more
      }
    }
  }

  private ArtifactException failure(String attempt, IOException cause) {
    if (DirectoryArtifactStore.isDiskFull(cause)) {
      return new ArtifactException(
          Reason.STORE_FULL, "the directory for files under way is full", cause);
    }
    return new ArtifactException(
        Reason.UNAVAILABLE,
        "cannot %s the artifact store: %s".formatted(attempt, describe(cause)),
        cause);
  }

  private static String describe(IOException cause) {
    return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
  }

  private static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException leftInTheTemporaryDirectory) {
      // a temporary file
    }
  }
}
