package dev.espalier.scheduler.security;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jose4j.http.Get;
import org.jose4j.json.JsonUtil;
import org.jose4j.jwk.HttpsJwks;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.keys.resolvers.HttpsJwksVerificationKeyResolver;
import org.jose4j.keys.resolvers.JwksVerificationKeyResolver;
import org.jose4j.keys.resolvers.VerificationKeyResolver;
import org.jose4j.lang.JoseException;

/**
 * Finds the keys that an OIDC provider publishes: in a file, at an address, or where its discovery
 * document says (OpenID Connect Discovery 1.0, section 4). A key that is not known yet is asked for
 * again, so that a provider may change its keys at any time.
 */
final class IssuerKeys {

  private static final int ANSWER_MS = (int) Duration.ofSeconds(5).toMillis();

  private final String issuer;
  private final Optional<String> jwks;
  private final Get get = new Get();

  /**
   * @throws IllegalArgumentException if the file of certificates cannot be read
   */
  IssuerKeys(String issuer, Optional<String> jwks, Optional<Path> ca) {
    this.issuer = issuer;
    this.jwks = jwks;
    get.setConnectTimeout(ANSWER_MS);
    get.setReadTimeout(ANSWER_MS);
    get.setRetries(1);
    ca.ifPresent(file -> get.setTrustedCertificates(certificates(file)));
  }

  /**
   * Where to look up the key of a token.
   *
   * @throws IOException if the provider or the file of keys cannot be read, or says something else
   *     than expected
   */
  VerificationKeyResolver resolver() throws IOException {
    try {
      String place = jwks.isPresent() ? jwks.get() : discovered();
      if (place.startsWith("https://")) {
        HttpsJwks published = new HttpsJwks(place);
        published.setSimpleHttpGet(get);
        return new HttpsJwksVerificationKeyResolver(published);
      }
      Path file = Path.of(place.replaceFirst("^file:(//)?", ""));
      return new JwksVerificationKeyResolver(
          new JsonWebKeySet(Files.readString(file)).getJsonWebKeys());
    } catch (JoseException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  private static X509Certificate[] certificates(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      X509Certificate[] certificates =
          CertificateFactory.getInstance("X.509").generateCertificates(in).stream()
              .map(X509Certificate.class::cast)
              .toArray(X509Certificate[]::new);
      if (certificates.length > 0) {
        return certificates;
      }
    } catch (CertificateException | IOException e) {
      throw refused(file, e);
    }
    throw refused(file, null);
  }

  private static IllegalArgumentException refused(Path file, Exception cause) {
    return new IllegalArgumentException(
        "espalier.security.issuer-ca must be a file of certificates in PEM but is %s%s"
            .formatted(file, cause == null ? ", which has none" : ": " + cause),
        cause);
  }

  private String discovered() throws IOException, JoseException {
    String place = issuer.replaceAll("/+$", "") + "/.well-known/openid-configuration";
    Map<String, Object> document = JsonUtil.parseJson(get.get(place).getBody());
    if (!issuer.equals(document.get("issuer"))) {
      throw new IOException(
          "expected the issuer %s at %s but found %s"
              .formatted(issuer, place, document.get("issuer")));
    }
    if (document.get("jwks_uri") instanceof String text && text.startsWith("https://")) {
      return text;
    }
    throw new IOException(
        "expected an https jwks_uri at %s but found %s".formatted(place, document.get("jwks_uri")));
  }
}
