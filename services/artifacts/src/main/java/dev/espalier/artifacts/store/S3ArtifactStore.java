package dev.espalier.artifacts.store;

import dev.espalier.artifacts.store.ArtifactException.Reason;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.retry.RetryMode;
import software.amazon.awssdk.http.auth.aws.signer.AwsV4HttpSigner;
import software.amazon.awssdk.http.auth.spi.scheme.AuthSchemeOption;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.auth.scheme.S3AuthSchemeParams;
import software.amazon.awssdk.services.s3.auth.scheme.S3AuthSchemeProvider;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.MetadataDirective;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * Artifacts as objects {@code <prefix><first two hex digits>/<sha256>} of an S3-compatible service.
 *
 * <p>An object is sent in one request that is signed with its digest: the service stores the whole
 * object or none, and refuses bytes that are not those of the name. What is read is checked again.
 */
public final class S3ArtifactStore extends CheckedArtifactStore {

  private static final Duration CONNECT = Duration.ofSeconds(10);

  /** Longest silence of a service that is still at work. */
  private static final Duration SILENCE = Duration.ofMinutes(2);

  /** Codes by which services say that there is no more room. */
  private static final Pattern FULL = Pattern.compile("XMinioStorageFull|.*Quota.*|.*StorageFull");

  private final S3Settings settings;
  private final S3Client client;

  /**
   * Opens the store; the bucket must be there.
   *
   * @param temporary local directory for files under way
   */
  public S3ArtifactStore(S3Settings settings, Path temporary) {
    super(temporary);
    this.settings = settings;
    this.client =
        S3Client.builder()
            .endpointOverride(settings.endpoint())
            .region(Region.of(settings.region()))
            .forcePathStyle(settings.pathStyle())
            .credentialsProvider(
                StaticCredentialsProvider.create(
                    AwsBasicCredentials.create(settings.accessKeyId(), settings.secretAccessKey())))
            .authSchemeProvider(S3ArtifactStore::withDigestOfBody)
            // Other services than Amazon's know no checksums in trailers.
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
            .serviceConfiguration(s3 -> s3.chunkedEncodingEnabled(false))
            .overrideConfiguration(common -> common.retryStrategy(RetryMode.STANDARD))
            .httpClientBuilder(
                UrlConnectionHttpClient.builder().connectionTimeout(CONNECT).socketTimeout(SILENCE))
            .build();
  }

  /** The digest of the body is part of what is signed, over TLS too. */
  private static List<AuthSchemeOption> withDigestOfBody(S3AuthSchemeParams request) {
    return S3AuthSchemeProvider.defaultProvider().resolveAuthScheme(request).stream()
        .map(
            scheme ->
                scheme.toBuilder()
                    .putSignerProperty(AwsV4HttpSigner.PAYLOAD_SIGNING_ENABLED, true)
                    .build())
        .toList();
  }

  /** Sends always, also what is there already: it might be damaged. */
  @Override
  void keep(Path written, String sha256, long sizeBytes) {
    ask(
        "store artifact %s in",
        sha256,
        key -> client.putObject(object -> object.bucket(settings.bucket()).key(key), written));
  }

  @Override
  InputStream stored(String sha256) {
    ResponseInputStream<GetObjectResponse> object =
        ask(
            "read artifact %s from",
            sha256, key -> client.getObject(get -> get.bucket(settings.bucket()).key(key)));
    return new Digests.Whole(object, object.response().contentLength());
  }

  @Override
  public boolean contains(String sha256) {
    try {
      size(sha256);
      return true;
    } catch (ArtifactException e) {
      return falseWhereMissing(e);
    }
  }

  @Override
  public long size(String sha256) {
    return ask(
        "look for artifact %s in",
        sha256,
        key ->
            client.headObject(object -> object.bucket(settings.bucket()).key(key)).contentLength());
  }

  @Override
  public void delete(String sha256) {
    try {
      ask(
          "delete artifact %s from",
          sha256, key -> client.deleteObject(object -> object.bucket(settings.bucket()).key(key)));
    } catch (ArtifactException e) {
      falseWhereMissing(e);
    }
  }

  /** A copy onto itself, which S3 takes where the object's metadata are given anew. */
  @Override
  public boolean touch(String sha256) {
    try {
      ask(
          "touch artifact %s in",
          sha256,
          key ->
              client.copyObject(
                  object ->
                      object
                          .sourceBucket(settings.bucket())
                          .sourceKey(key)
                          .destinationBucket(settings.bucket())
                          .destinationKey(key)
                          .metadataDirective(MetadataDirective.REPLACE)));
      return true;
    } catch (ArtifactException e) {
      return falseWhereMissing(e);
    }
  }

  /** Looks, then deletes: S3 does not do both at once, so {@code since} should be long ago. */
  @Override
  public boolean deleteUntouched(String sha256, Instant since) {
    try {
      boolean untouched =
          ask(
              "look for artifact %s in",
              sha256,
              key ->
                  client
                      .headObject(object -> object.bucket(settings.bucket()).key(key))
                      .lastModified()
                      .isBefore(since));
      if (untouched) {
        delete(sha256);
      }
      return untouched;
    } catch (ArtifactException e) {
      return falseWhereMissing(e);
    }
  }

  @Override
  public void forEach(Consumer<StoredArtifact> action) {
    try {
      client
          .listObjectsV2Paginator(list -> list.bucket(settings.bucket()).prefix(settings.prefix()))
          .contents()
          .forEach(
              object -> {
                String name = object.key().substring(object.key().lastIndexOf('/') + 1);
                if (Artifact.isName(name) && object.key().equals(key(name))) {
                  action.accept(new StoredArtifact(name, object.size(), object.lastModified()));
                }
              });
    } catch (S3Exception e) {
      throw refusal("list", e);
    } catch (SdkException e) {
      throw failure("list", new IOException(e.getMessage(), e));
    }
  }

  private String key(String sha256) {
    return settings.prefix() + sha256.substring(0, 2) + "/" + sha256;
  }

  private static boolean falseWhereMissing(ArtifactException e) {
    if (e.reason() == Reason.MISSING) {
      return false;
    }
    throw e;
  }

  /** Asks the service about an object, by its key, and names by our own reasons what went wrong. */
  private <T> T ask(String attempt, String sha256, Function<String, T> question) {
    Artifact.requireName(sha256);
    try {
      return question.apply(key(sha256));
    } catch (S3Exception e) {
      if (e.statusCode() == 404 && !code(e).equals("NoSuchBucket")) {
        throw ArtifactException.missing(sha256);
      }
      throw refusal(attempt.formatted(sha256), e);
    } catch (SdkException e) {
      throw failure(attempt.formatted(sha256), new IOException(e.getMessage(), e));
    }
  }

  private static ArtifactException refusal(String attempt, S3Exception e) {
    String code = code(e);
    boolean full = e.statusCode() == 507 || FULL.matcher(code).matches();
    return new ArtifactException(
        full ? Reason.STORE_FULL : Reason.UNAVAILABLE,
        "cannot %s the artifact store: status %d, %s".formatted(attempt, e.statusCode(), code),
        e);
  }

  private static String code(S3Exception e) {
    AwsErrorDetails details = e.awsErrorDetails();
    return details == null || details.errorCode() == null ? "no code" : details.errorCode();
  }
}
