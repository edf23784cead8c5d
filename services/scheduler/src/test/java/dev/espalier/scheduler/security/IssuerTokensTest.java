package dev.espalier.scheduler.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.testkit.Certificate;
import dev.espalier.testkit.TestIssuer;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tokens of a provider that is reached over TLS, with a certificate that no JDK knows. */
class IssuerTokensTest {

  @TempDir private static Path directory;
  private static Certificate certificate;

  private TestIssuer issuer;

  @BeforeAll
  static void makeCertificate() throws Exception {
    certificate = new Certificate(directory, List.of());
  }

  @BeforeEach
  void startIssuer() throws Exception {
    issuer = new TestIssuer(certificate);
  }

  @AfterEach
  void stopIssuer() {
    issuer.close();
  }

  private IssuerTokens tokens(Map<String, String> settings) {
    Map<String, String> all = new HashMap<>();
    all.put("espalier.security.issuer", issuer.name());
    all.put("espalier.security.roles-claim", "realm_access.roles");
    all.put("espalier.security.issuer-ca", certificate.pem.toString());
    all.putAll(settings);
    all.values().removeIf(String::isEmpty);
    SecurityConfig.SecuritySection section =
        new SmallRyeConfigBuilder()
            .withSources(new PropertiesConfigSource(all, "test", 1))
            .withMapping(SecurityConfig.class)
            .build()
            .getConfigMapping(SecurityConfig.class)
            .security();
    return new IssuerTokens(section, section.issuer().orElseThrow());
  }

  @Test
  void keysAreFoundWhereTheDiscoveryDocumentSays() throws Exception {
    Caller caller =
        tokens(Map.of()).caller(issuer.token("sam", "submitter", "vision")).orElseThrow();

    assertThat(caller).isEqualTo(new Caller("sam", Role.SUBMITTER, List.of("vision")));
    assertThat(tokens(Map.of()).caller(issuer.forge(issuer.claims("sam", "operator")))).isEmpty();
  }

  @Test
  void keysMayBeNamedByAddressOrFile() throws Exception {
    issuer.say("jwks_uri", "https://localhost:1/nowhere");
    String token = issuer.token("sam", "viewer");

    assertThat(tokens(Map.of("espalier.security.jwks", issuer.keysAddress())).caller(token))
        .isPresent();
    Path file = issuer.publish(directory.resolve("keys.json"));
    assertThat(tokens(Map.of("espalier.security.jwks", file.toString())).caller(token)).isPresent();
    assertThat(tokens(Map.of("espalier.security.jwks", file.toUri().toString())).caller(token))
        .isPresent();
  }

  @Test
  void aProviderMayChangeItsKeys() throws Exception {
    IssuerTokens tokens = tokens(Map.of());
    String before = issuer.token("sam", "viewer");
    assertThat(tokens.caller(before)).isPresent();

    issuer.rotate();
    // Answers to a second question within 0.3 s come from the first.
    Thread.sleep(400);

    assertThat(tokens.caller(issuer.token("sam", "viewer"))).isPresent();
    assertThat(tokens.caller(before)).as("signed by a key that was withdrawn").isEmpty();
  }

  @Test
  void aProviderThatCannotBeTrustedOrReachedIsNotARefusal() throws Exception {
    String token = issuer.token("sam", "viewer");
    IssuerTokens tokens = tokens(Map.of());

    assertThatThrownBy(() -> tokens(Map.of("espalier.security.issuer-ca", "")).caller(token))
        .isInstanceOf(IssuerUnreachable.class)
        .hasMessageContaining(issuer.name());
    issuer.say("issuer", "https://another.example");
    assertThatThrownBy(() -> tokens.caller(token))
        .isInstanceOf(IssuerUnreachable.class)
        .hasMessageContaining("but found https://another.example");
    issuer.say("issuer", issuer.name());
    issuer.say("jwks_uri", "http://localhost/keys");
    assertThatThrownBy(() -> tokens.caller(token))
        .isInstanceOf(IssuerUnreachable.class)
        .hasMessageContaining("an https jwks_uri");
    issuer.say("jwks_uri", issuer.keysAddress());

    assertThat(tokens.caller(token)).as("the same, once the provider is well").isPresent();
  }

  @Test
  void aFileWithoutCertificatesIsRefusedAtTheStart() throws Exception {
    Path empty = Files.writeString(directory.resolve("empty.pem"), "no certificate");

    for (Path file : List.of(empty, directory.resolve("absent.pem"))) {
      assertThatThrownBy(() -> tokens(Map.of("espalier.security.issuer-ca", file.toString())))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("espalier.security.issuer-ca")
          .hasMessageContaining(file.toString());
    }
  }
}
