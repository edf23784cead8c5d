package dev.espalier.scheduler.security;

import dev.espalier.scheduler.security.SecurityConfig.Mode;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.Optional;

/** Tells from credentials who a caller is, for both doors. */
public final class Access {

  /** How a token stands in a header, of HTTP and of Kafka records. */
  private static final String BEARER = "bearer ";

  private static final String BASIC = "basic ";

  private final Mode mode;
  private final Optional<UsersFile> users;
  private final Optional<IssuerTokens> tokens;

  /**
   * @throws IllegalArgumentException if the settings let nobody in or cannot be read
   */
  Access(SecurityConfig.SecuritySection config) {
    mode = config.mode();
    users = config.users().map(UsersFile::read);
    tokens = config.issuer().map(issuer -> new IssuerTokens(config, issuer));
    if (mode == Mode.SECURED && users.isEmpty() && tokens.isEmpty()) {
      throw new IllegalArgumentException(
          "espalier.security.mode is secured: expected espalier.security.users or"
              + " espalier.security.issuer but found neither");
    }
    if (mode == Mode.LOCAL && (users.isPresent() || tokens.isPresent())) {
      throw new IllegalArgumentException(
          "espalier.security.users and issuer need espalier.security.mode=secured but it is local");
    }
  }

  private Access() {
    mode = Mode.LOCAL;
    users = Optional.empty();
    tokens = Optional.empty();
  }

  /** Of an installation that only its own machine reaches. */
  public static Access local() {
    return new Access();
  }

  public boolean isLocal() {
    return mode == Mode.LOCAL;
  }

  /**
   * Who presents this {@code Authorization} header over HTTP. Slow: a password's hash takes
   * milliseconds, a token may have to wait for the issuer's keys.
   */
  Optional<Caller> byHeader(String authorization) {
    if (isLocal()) {
      return Optional.of(Caller.LOCAL);
    }
    String scheme = authorization.toLowerCase(Locale.ROOT);
    if (scheme.startsWith(BASIC)) {
      return byPassword(authorization.substring(BASIC.length()).strip());
    }
    return byToken(authorization);
  }

  /**
   * Who presents this {@code authorization} header on a Kafka record: a token of the issuer.
   * Passwords do not belong on a topic.
   */
  public Optional<Caller> byToken(String authorization) {
    if (isLocal()) {
      return Optional.of(Caller.LOCAL);
    }
    if (authorization == null || !authorization.toLowerCase(Locale.ROOT).startsWith(BEARER)) {
      return Optional.empty();
    }
    String token = authorization.substring(BEARER.length()).strip();
    return tokens.flatMap(issuer -> issuer.caller(token));
  }

  private Optional<Caller> byPassword(String encoded) {
    String pair;
    try {
      pair = new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException notBase64) {
      return Optional.empty();
    }
    int colon = pair.indexOf(':');
    return colon < 0
        ? Optional.empty()
        : users.flatMap(file -> file.caller(pair.substring(0, colon), pair.substring(colon + 1)));
  }
}
