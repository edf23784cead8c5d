package dev.espalier.testkit;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jose4j.json.JsonUtil;
import org.jose4j.jwk.JsonWebKey.OutputControlLevel;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.jwk.RsaJsonWebKey;
import org.jose4j.jwk.RsaJwkGenerator;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.lang.JoseException;

/**
 * Signs tokens as an OIDC provider does, and publishes its keys where its discovery document says,
 * over TLS on loopback.
 */
public final class TestIssuer implements AutoCloseable {

  private static final String REALM = "/realms/lab";
  private static final String DISCOVERY = REALM + "/.well-known/openid-configuration";
  private static final String KEYS = REALM + "/keys";

  private final HttpsServer server;
  private final Map<String, Object> discovery = new LinkedHashMap<>();
  private volatile RsaJsonWebKey key = newKey();

  /**
   * @param certificate what the provider shows, for localhost
   */
  public TestIssuer(Certificate certificate) throws Exception {
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(certificate.serverContext()));
    server.createContext(DISCOVERY, exchange -> answer(exchange, JsonUtil.toJson(discovery)));
    server.createContext(KEYS, exchange -> answer(exchange, keys()));
    server.start();
    say("issuer", name());
    say("jwks_uri", keysAddress());
  }

  private static RsaJsonWebKey newKey() throws JoseException {
    RsaJsonWebKey key = RsaJwkGenerator.generateJwk(2048);
    key.setKeyId(UUID.randomUUID().toString());
    return key;
  }

  private static void answer(HttpExchange exchange, String json) throws IOException {
    byte[] body = json.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  /** As its tokens and its discovery document name it. */
  public String name() {
    return "https://localhost:" + server.getAddress().getPort() + REALM;
  }

  public String keysAddress() {
    return "https://localhost:" + server.getAddress().getPort() + KEYS;
  }

  /** What the discovery document says from now on. */
  public void say(String member, String value) {
    discovery.put(member, value);
  }

  /** Signs with a new key from now on, and publishes that alone. */
  public void rotate() throws JoseException {
    key = newKey();
  }

  /** Writes the published keys, for those who are given them as a file. */
  public Path publish(Path file) throws IOException {
    return Files.writeString(file, keys());
  }

  private String keys() {
    return new JsonWebKeySet(key).toJson(OutputControlLevel.PUBLIC_ONLY);
  }

  /** A token that is good for the scheduler; a test spoils what it wants spoilt. */
  public JwtClaims claims(String name, String role, String... teams) {
    JwtClaims claims = new JwtClaims();
    claims.setIssuer(name());
    claims.setAudience("espalier");
    claims.setSubject("id-of-" + name);
    claims.setStringClaim("preferred_username", name);
    claims.setClaim("realm_access", Map.of("roles", List.of("offline_access", role)));
    claims.setStringListClaim("teams", List.of(teams));
    claims.setIssuedAtToNow();
    claims.setExpirationTimeMinutesInTheFuture(10);
    return claims;
  }

  public String sign(JwtClaims claims) throws JoseException {
    return sign(claims, key);
  }

  /** A token with the name of a published key, but signed by another. */
  public String forge(JwtClaims claims) throws JoseException {
    RsaJsonWebKey other = newKey();
    other.setKeyId(key.getKeyId());
    return sign(claims, other);
  }

  private static String sign(JwtClaims claims, RsaJsonWebKey key) throws JoseException {
    JsonWebSignature signature = new JsonWebSignature();
    signature.setPayload(claims.toJson());
    signature.setKey(key.getPrivateKey());
    signature.setKeyIdHeaderValue(key.getKeyId());
    signature.setAlgorithmHeaderValue("RS256");
    return signature.getCompactSerialization();
  }

  public String token(String name, String role, String... teams) throws JoseException {
    return sign(claims(name, role, teams));
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
