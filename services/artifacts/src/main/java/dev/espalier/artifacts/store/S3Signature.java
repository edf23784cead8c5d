package dev.espalier.artifacts.store;

import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * AWS Signature Version 4 in request headers. The digest of the body is part of what is signed: the
 * service refuses an object whose bytes changed or ended on the way.
 */
final class S3Signature {

  /** SHA-256 of nothing, for requests without a body. */
  static final String EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

  private S3Signature() {}

  /**
   * Signs a request.
   *
   * @param bodySha256 hex digest of the body
   */
  static void sign(
      HttpRequest.Builder request,
      S3Settings settings,
      String method,
      URI address,
      String bodySha256,
      Instant now) {
    String time = TIME.format(now);
    Map<String, String> headers = new TreeMap<>();
    headers.put("host", host(address));
    headers.put("x-amz-content-sha256", bodySha256);
    headers.put("x-amz-date", time);
    headers.forEach(
        (name, value) -> {
          if (!name.equals("host")) { // the client sends it by itself
            request.header(name, value);
          }
        });
    request.header(
        "Authorization",
        authorization(settings, method, address.getRawPath(), headers, bodySha256, time));
  }

  static String authorization(
      S3Settings settings,
      String method,
      String path,
      Map<String, String> headers,
      String bodySha256,
      String time) {
    String names = String.join(";", headers.keySet());
    StringBuilder canonical = new StringBuilder(method).append('\n').append(path).append("\n\n");
    headers.forEach((name, value) -> canonical.append(name).append(':').append(value).append('\n'));
    canonical.append('\n').append(names).append('\n').append(bodySha256);
    String day = time.substring(0, 8);
    String scope = "%s/%s/s3/aws4_request".formatted(day, settings.region());
    String toSign =
        String.join("\n", "AWS4-HMAC-SHA256", time, scope, hex(sha256(canonical.toString())));
    byte[] key = hmac(utf8("AWS4" + settings.secretAccessKey()), day);
    for (String part : new String[] {settings.region(), "s3", "aws4_request"}) {
      key = hmac(key, part);
    }
    return "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s"
        .formatted(settings.accessKeyId(), scope, names, hex(hmac(key, toSign)));
  }

  private static String host(URI address) {
    boolean standard = address.getPort() < 0;
    return address.getHost().toLowerCase(Locale.ROOT) + (standard ? "" : ":" + address.getPort());
  }

  private static byte[] sha256(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(utf8(text));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static byte[] hmac(byte[] key, String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(utf8(text));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HmacSHA256", e);
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }
}
