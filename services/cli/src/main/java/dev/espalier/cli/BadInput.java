package dev.espalier.cli;

import dev.espalier.sweep.spec.Violation;
import java.util.List;

/** What was handed in is wrong; the violations say where and how. Exit code 2. */
public final class BadInput extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final transient List<Violation> violations;

  public BadInput(List<Violation> violations) {
    super(violations.toString(), null, false, false);
    this.violations = List.copyOf(violations);
  }

  public BadInput(String field, String expected, String found) {
    this(List.of(new Violation(field, expected, found)));
  }

  public List<Violation> violations() {
    return violations;
  }
}
