package dev.espalier.scheduler.security;

import dev.espalier.messaging.consume.PassingErrors;

/** The issuer's keys cannot be had now, so nobody can say whether a token is good. */
final class IssuerUnreachable extends RuntimeException implements PassingErrors.Passing {

  private static final long serialVersionUID = 1L;

  IssuerUnreachable(String issuer, Throwable cause) {
    super("expected the keys of " + issuer + " but: " + cause.getMessage(), cause);
  }
}
