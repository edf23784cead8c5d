package dev.espalier.e2e.secured;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jose4j.jwk.JsonWebKey.OutputControlLevel;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.jwk.RsaJsonWebKey;
import org.jose4j.jwk.RsaJwkGenerator;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwt.JwtClaims;

/** Signs tokens as an OIDC provider does, and publishes its key as a file. */
final class TestIssuer {

  static final String NAME = "https://issuer.test/realms/lab";

  private final RsaJsonWebKey key;

  TestIssuer() throws Exception {
    key = RsaJwkGenerator.generateJwk(2048);
    key.setKeyId("k1");
  }

  Path publish(Path file) throws Exception {
    return Files.writeString(file, new JsonWebKeySet(key).toJson(OutputControlLevel.PUBLIC_ONLY));
  }

  /** A token that is good for the scheduler; a test spoils what it wants spoilt. */
  static JwtClaims claims(String name, String role, String... teams) {
    JwtClaims claims = new JwtClaims();
    claims.setIssuer(NAME);
    claims.setAudience("espalier");
    claims.setSubject("id-of-" + name);
    claims.setStringClaim("preferred_username", name);
    claims.setClaim("realm_access", java.util.Map.of("roles", List.of("offline_access", role)));
    claims.setStringListClaim("teams", List.of(teams));
    claims.setIssuedAtToNow();
    claims.setExpirationTimeMinutesInTheFuture(10);
    return claims;
  }

  String sign(JwtClaims claims) throws Exception {
    JsonWebSignature signature = new JsonWebSignature();
    signature.setPayload(claims.toJson());
    signature.setKey(key.getPrivateKey());
    signature.setKeyIdHeaderValue(key.getKeyId());
    signature.setAlgorithmHeaderValue("RS256");
    return signature.getCompactSerialization();
  }

  String token(String name, String role, String... teams) throws Exception {
    return sign(claims(name, role, teams));
  }
}
