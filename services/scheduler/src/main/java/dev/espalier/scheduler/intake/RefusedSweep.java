package dev.espalier.scheduler.intake;

import dev.espalier.sweep.spec.Violation;
import java.util.List;
import java.util.stream.Collectors;

/** A submission that is not accepted, with all that is wrong with it. */
public final class RefusedSweep extends Exception {

  private static final long serialVersionUID = 1L;

  private final transient List<Violation> violations;

  RefusedSweep(List<Violation> violations) {
    super(violations.stream().map(Violation::toString).collect(Collectors.joining("; ")));
    this.violations = List.copyOf(violations);
  }

  RefusedSweep(Violation violation) {
    this(List.of(violation));
  }

  public List<Violation> violations() {
    return violations;
  }
}
