package dev.espalier.scheduler.security;

import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.identity.IdentityProviderManager;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.security.identity.request.AuthenticationRequest;
import io.quarkus.vertx.http.runtime.security.ChallengeData;
import io.quarkus.vertx.http.runtime.security.HttpAuthenticationMechanism;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import java.net.URI;
import java.util.Set;

/**
 * Reads credentials off HTTP requests. In local mode every request is the operator's, unless a web
 * page of another origin made the browser send it.
 */
@ApplicationScoped
public class HttpDoor implements HttpAuthenticationMechanism {

  private final Access access;
  private final boolean tlsEndsBefore;

  HttpDoor(Access access, SecurityConfig config) {
    this.access = access;
    this.tlsEndsBefore = config.security().tlsEndsBefore();
  }

  @Override
  public Uni<SecurityIdentity> authenticate(
      RoutingContext context, IdentityProviderManager identities) {
    HttpServerRequest request = context.request();
    if (access.isLocal()) {
      return fromThisMachine(request)
          ? Uni.createFrom().item(HeaderIdentity.identity(Caller.LOCAL))
          : Uni.createFrom().failure(new AuthenticationFailedException());
    }
    String header = request.getHeader("Authorization");
    if (header == null) {
      return Uni.createFrom().nullItem();
    }
    if (!request.isSSL() && !tlsEndsBefore && !loopbackPeer(request)) {
      return Uni.createFrom()
          .failure(new AuthenticationFailedException("credentials came over plain HTTP"));
    }
    return identities.authenticate(new PresentedHeader(header));
  }

  private static boolean loopbackPeer(HttpServerRequest request) {
    return request.remoteAddress() != null
        && Addresses.isLoopback(request.remoteAddress().hostAddress());
  }

  /** A page that a browser shows can reach loopback too: its origin, or a rebound name, tells. */
  private static boolean fromThisMachine(HttpServerRequest request) {
    String origin = request.getHeader("Origin");
    return loopbackPeer(request)
        && request.authority() != null
        && Addresses.isLoopback(request.authority().host())
        && (origin == null || isLoopbackOrigin(origin));
  }

  private static boolean isLoopbackOrigin(String origin) {
    try {
      return Addresses.isLoopback(URI.create(origin).getHost());
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  @Override
  public Uni<ChallengeData> getChallenge(RoutingContext context) {
    String header = access.isLocal() ? null : "Basic realm=\"espalier\", charset=\"UTF-8\"";
    return Uni.createFrom()
        .item(new ChallengeData(401, header == null ? null : "WWW-Authenticate", header));
  }

  @Override
  public Set<Class<? extends AuthenticationRequest>> getCredentialTypes() {
    return Set.of(PresentedHeader.class);
  }
}
