package dev.espalier.sweep.spec;

import java.util.List;
import java.util.stream.Collectors;

/** A request with violations, for callers that go on only with a valid one. */
public final class InvalidSweepException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final transient List<Violation> violations;

  public InvalidSweepException(List<Violation> violations) {
    super(violations.stream().map(Violation::toString).collect(Collectors.joining("; ")));
    this.violations = List.copyOf(violations);
  }

  public List<Violation> violations() {
    return violations;
  }
}
