package dev.espalier.scheduler.security;

import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;
import org.jose4j.jwa.AlgorithmConstraints;
import org.jose4j.jwa.AlgorithmConstraints.ConstraintType;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jwt.JwtClaims;
import org.jose4j.jwt.MalformedClaimException;
import org.jose4j.jwt.consumer.InvalidJwtException;
import org.jose4j.jwt.consumer.JwtConsumer;
import org.jose4j.jwt.consumer.JwtConsumerBuilder;
import org.jose4j.lang.UnresolvableKeyException;

/**
 * Signed tokens of the user's OIDC provider: signature by one of its published keys, issuer,
 * audience and time are checked; only asymmetric signatures count.
 */
final class IssuerTokens {

  private static final Logger LOG = Logger.getLogger(IssuerTokens.class);
  private static final int SKEW_SECONDS = 30;

  /** A token is some kilobytes; what is longer is none. */
  static final int LONGEST_TOKEN = 16 << 10;

  private final SecurityConfig.SecuritySection config;
  private final String issuer;
  private final IssuerKeys keys;
  private JwtConsumer consumer;

  /**
   * @throws IllegalArgumentException if a file that the settings name cannot be read
   */
  IssuerTokens(SecurityConfig.SecuritySection config, String issuer) {
    this.config = config;
    this.issuer = issuer;
    keys = new IssuerKeys(issuer, config.jwks(), config.issuerCa());
  }

  /**
   * The caller whom a token names; empty if it is not valid now or gives no role.
   *
   * @throws IssuerUnreachable if the issuer's keys cannot be had
   */
  Optional<Caller> caller(String token) {
    if (token.length() > LONGEST_TOKEN) {
      return Optional.empty();
    }
    try {
      return caller(consumer().processToClaims(token));
    } catch (InvalidJwtException e) {
      if (unreachable(e)) {
        throw new IssuerUnreachable(issuer, e.getCause());
      }
      // Its own message would hold the token.
      LOG.infof("refused a token: %s", e.getErrorDetails().isEmpty() ? "malformed" : codes(e));
    } catch (MalformedClaimException e) {
      LOG.infof("refused a token: %s", e.getMessage());
    } catch (IOException e) {
      throw new IssuerUnreachable(issuer, e);
    }
    return Optional.empty();
  }

  private static boolean unreachable(InvalidJwtException e) {
    Throwable cause = e.getCause();
    return cause instanceof UnresolvableKeyException && cause.getCause() instanceof IOException;
  }

  private static List<Integer> codes(InvalidJwtException e) {
    return e.getErrorDetails().stream().map(detail -> detail.getErrorCode()).toList();
  }

  private Optional<Caller> caller(JwtClaims claims) throws MalformedClaimException {
    String named = claims.getStringClaimValue(config.nameClaim());
    String name = named == null || named.isBlank() ? claims.getSubject() : named;
    Optional<Role> role =
        texts(claims, config.rolesClaim()).stream()
            .map(Role::parse)
            .flatMap(Optional::stream)
            .max(Role::compareTo);
    if (role.isEmpty() || name.length() > Caller.LONGEST_NAME) {
      LOG.infof("refused a token: %s", role.isEmpty() ? "no role of ours" : "long name");
      return Optional.empty();
    }
    String clean = name.replaceAll("\\p{Cntrl}", "�");
    return Optional.of(new Caller(clean, role.get(), texts(claims, config.teamsClaim())));
  }

  /** Texts at a dotted path; a claim with dots in its own name is found as well. */
  private static List<String> texts(JwtClaims claims, String path) {
    Object value = claims.getClaimsMap().get(path);
    if (value == null) {
      value = claims.getClaimsMap();
      for (String step : path.split("\\.")) {
        value = value instanceof Map<?, ?> object ? object.get(step) : null;
      }
    }
    if (value instanceof Collection<?> many) {
      return many.stream().filter(String.class::isInstance).map(String.class::cast).toList();
    }
    return value instanceof String one ? List.of(one) : List.of();
  }

  /** Made at the first token: the provider need not be there when the scheduler starts. */
  private synchronized JwtConsumer consumer() throws IOException {
    if (consumer == null) {
      consumer =
          new JwtConsumerBuilder()
              .setExpectedIssuer(issuer)
              .setExpectedAudience(config.audience())
              .setRequireExpirationTime()
              .setRequireSubject()
              .setAllowedClockSkewInSeconds(SKEW_SECONDS)
              .setVerificationKeyResolver(keys.resolver())
              .setJwsAlgorithmConstraints(
                  new AlgorithmConstraints(
                      ConstraintType.PERMIT,
                      AlgorithmIdentifiers.RSA_USING_SHA256,
                      AlgorithmIdentifiers.RSA_USING_SHA384,
                      AlgorithmIdentifiers.RSA_USING_SHA512,
                      AlgorithmIdentifiers.RSA_PSS_USING_SHA256,
                      AlgorithmIdentifiers.ECDSA_USING_P256_CURVE_AND_SHA256,
                      AlgorithmIdentifiers.ECDSA_USING_P384_CURVE_AND_SHA384,
                      AlgorithmIdentifiers.EDDSA))
              .build();
    }
    return consumer;
  }
}
