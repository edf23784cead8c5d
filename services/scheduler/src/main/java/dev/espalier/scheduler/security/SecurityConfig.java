package dev.espalier.scheduler.security;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.nio.file.Path;
import java.util.Optional;

/** Who may ask the scheduler for what, prefix {@code espalier}. */
@ConfigMapping(prefix = "espalier")
public interface SecurityConfig {

  SecuritySection security();

  /** How callers are known. */
  enum Mode {
    /** Whoever can connect is the operator; only loopback addresses may be used. */
    LOCAL,
    /** Every request needs credentials: of the users file, or a token of the issuer. */
    SECURED
  }

  interface SecuritySection {

    /** Default LOCAL, which refuses to start on other addresses than loopback. */
    @WithDefault("local")
    Mode mode();

    /**
     * File of passwords for small installations, default none. One user a line, {@code
     * name:hash:role:team,team}; {@code openssl passwd -6} makes the hash.
     */
    Optional<Path> users();

    /** The OIDC provider's issuer, as its tokens name it; default none: tokens are refused. */
    Optional<String> issuer();

    /** What tokens must name as audience, default "espalier". */
    @WithDefault("espalier")
    String audience();

    /**
     * Where the issuer's keys are: an https address or a file. Default: where the issuer's {@code
     * .well-known/openid-configuration} says.
     */
    Optional<String> jwks();

    /** Certificates to trust at the issuer instead of the JDK's, PEM; default none. */
    Optional<Path> issuerCa();

    /** Claim with the caller's name, default "preferred_username"; "sub" where it is missing. */
    @WithDefault("preferred_username")
    String nameClaim();

    /**
     * Claim with the caller's roles, default "roles"; a path such as "realm_access.roles" leads
     * into objects. Values other than viewer, submitter, operator are passed over.
     */
    @WithDefault("roles")
    String rolesClaim();

    /** Claim with the caller's teams, default "teams"; may be a path as well. */
    @WithDefault("teams")
    String teamsClaim();

    /**
     * Whether TLS ends before this process, in an ingress or a mesh, default false. Otherwise
     * credentials that come over plain HTTP from another machine are refused.
     */
    @WithDefault("false")
    boolean tlsEndsBefore();
  }
}
