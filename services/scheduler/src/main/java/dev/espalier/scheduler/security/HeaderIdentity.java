package dev.espalier.scheduler.security;

import io.quarkus.security.AuthenticationFailedException;
import io.quarkus.security.identity.AuthenticationRequestContext;
import io.quarkus.security.identity.IdentityProvider;
import io.quarkus.security.identity.SecurityIdentity;
import io.quarkus.security.runtime.QuarkusPrincipal;
import io.quarkus.security.runtime.QuarkusSecurityIdentity;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import org.jboss.logging.Logger;

/** Checks presented headers, off the event loop. */
@ApplicationScoped
public class HeaderIdentity implements IdentityProvider<PresentedHeader> {

  static final String CALLER = "espalier.caller";

  private static final Logger LOG = Logger.getLogger(HeaderIdentity.class);

  private final Access access;

  HeaderIdentity(Access access) {
    this.access = access;
  }

  @Override
  public Class<PresentedHeader> getRequestType() {
    return PresentedHeader.class;
  }

  @Override
  public Uni<SecurityIdentity> authenticate(
      PresentedHeader request, AuthenticationRequestContext context) {
    return context.runBlocking(
        () -> {
          try {
            return access
                .byHeader(request.value())
                .map(HeaderIdentity::identity)
                .orElseThrow(AuthenticationFailedException::new);
          } catch (IssuerUnreachable e) {
            LOG.warn(e.getMessage());
            throw new AuthenticationFailedException(e);
          }
        });
  }

  static SecurityIdentity identity(Caller caller) {
    return QuarkusSecurityIdentity.builder()
        .setPrincipal(new QuarkusPrincipal(caller.name()))
        .addRoles(caller.role().included())
        .addAttribute(CALLER, caller)
        .build();
  }
}
