package dev.espalier.artifacts.store;

import java.net.URI;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * Where artifacts live in an S3-compatible service.
 *
 * @param endpoint of the service, for instance {@code https://s3.eu-central-1.amazonaws.com}
 * @param region that requests are signed for
 * @param bucket that exists already
 * @param prefix of all keys, empty or ending in a slash
 * @param pathStyle whether the bucket is the first part of the path, not of the host's name
 * @param accessKeyId who asks
 * @param secretAccessKey what requests are signed with
 */
public record S3Settings(
    URI endpoint,
    String region,
    String bucket,
    String prefix,
    boolean pathStyle,
    String accessKeyId,
    String secretAccessKey) {

  private static final Pattern BUCKET = Pattern.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");
  private static final Pattern PREFIX = Pattern.compile("([A-Za-z0-9_-][A-Za-z0-9._-]{0,63}/)*");
  private static final Pattern REGION = Pattern.compile("[a-z0-9-]{1,32}");

  public S3Settings {
    want(
        endpoint.getHost() != null
            && ("http".equals(endpoint.getScheme()) || "https".equals(endpoint.getScheme()))
            && (endpoint.getPath().isEmpty() || endpoint.getPath().equals("/")),
        "s3.endpoint",
        "http(s)://host[:port]",
        endpoint);
    want(BUCKET.matcher(bucket).matches(), "s3.bucket", "the name of a bucket", bucket);
    want(PREFIX.matcher(prefix).matches(), "s3.prefix", "empty or names each ended by /", prefix);
    want(REGION.matcher(region).matches(), "s3.region", "the name of a region", region);
    want(!accessKeyId.isBlank(), "s3.access-key-id", "a key", "nothing");
    want(!secretAccessKey.isBlank(), "s3.secret-access-key", "a secret", "nothing");
  }

  /**
   * Reads settings {@code s3.bucket}, {@code s3.endpoint}, {@code s3.region} (default us-east-1),
   * {@code s3.prefix} (default none), {@code s3.path-style} (default true), {@code
   * s3.access-key-id} and {@code s3.secret-access-key}; without a bucket there is no S3.
   *
   * @param setting value of a name, where it is set
   */
  public static Optional<S3Settings> read(Function<String, Optional<String>> setting) {
    Optional<String> bucket = setting.apply("s3.bucket").filter(name -> !name.isBlank());
    if (bucket.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new S3Settings(
            uri(setting.apply("s3.endpoint").orElse("")),
            setting.apply("s3.region").orElse("us-east-1"),
            bucket.get(),
            setting.apply("s3.prefix").orElse(""),
            pathStyle(setting.apply("s3.path-style").orElse("true")),
            setting.apply("s3.access-key-id").orElse(""),
            setting.apply("s3.secret-access-key").orElse("")));
  }

  private static URI uri(String text) {
    try {
      return URI.create(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "s3.endpoint must be http(s)://host[:port] but is " + text, e);
    }
  }

  private static boolean pathStyle(String text) {
    want(text.equals("true") || text.equals("false"), "s3.path-style", "true or false", text);
    return text.equals("true");
  }

  private static void want(boolean holds, String name, String expected, Object found) {
    if (!holds) {
      throw new IllegalArgumentException(
          "%s must be %s but is %s".formatted(name, expected, found));
    }
  }

  /** Without the secret. */
  @Override
  public String toString() {
    return "s3 bucket %s at %s, prefix \"%s\"".formatted(bucket, endpoint, prefix);
  }
}
