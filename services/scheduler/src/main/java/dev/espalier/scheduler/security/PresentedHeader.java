package dev.espalier.scheduler.security;

import io.quarkus.security.identity.request.BaseAuthenticationRequest;

/** An {@code Authorization} header that came over a connection it may come over. */
final class PresentedHeader extends BaseAuthenticationRequest {

  private final String value;

  PresentedHeader(String value) {
    this.value = value;
  }

  String value() {
    return value;
  }
}
