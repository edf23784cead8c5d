package dev.espalier.scheduler.security;

import io.quarkus.runtime.StartupEvent;
import io.quarkus.security.identity.SecurityIdentity;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.config.Config;

/** Puts access together, and keeps an open door from standing on a network. */
final class SecurityBeans {

  @Produces
  @Singleton
  Access access(SecurityConfig config) {
    return new Access(config.security());
  }

  @Produces
  @Singleton
  CurrentCaller currentCaller(SecurityIdentity identity) {
    return () -> identity.getAttribute(HeaderIdentity.CALLER);
  }

  /** Before the HTTP server takes its first request. */
  void refuseAnOpenDoor(@Observes StartupEvent event, Access access, Config config) {
    if (!access.isLocal()) {
      return;
    }
    String host = config.getValue("quarkus.http.host", String.class);
    String brokers = config.getValue("kafka.bootstrap.servers", String.class);
    if (!Addresses.isLoopback(host)) {
      throw open("quarkus.http.host", host);
    }
    if (!Addresses.areLoopback(brokers)) {
      throw open("kafka.bootstrap.servers", brokers);
    }
  }

  private static IllegalStateException open(String setting, String found) {
    return new IllegalStateException(
        "%s: expected loopback, because espalier.security.mode is local and asks for no"
                .formatted(setting)
            + " credentials, but it is %s; set espalier.security.mode=secured".formatted(found));
  }
}
