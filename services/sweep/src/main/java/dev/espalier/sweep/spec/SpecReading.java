package dev.espalier.sweep.spec;

import java.util.List;
import java.util.Optional;

/**
 * What became of reading a request: a spec, or everything that is wrong with it.
 *
 * @param spec present exactly when {@code violations} is empty
 */
public record SpecReading(Optional<SweepSpec> spec, List<Violation> violations) {

  public SpecReading {
    violations = List.copyOf(violations);
    if (spec.isPresent() != violations.isEmpty()) {
      throw new IllegalArgumentException("a reading is either a spec or violations");
    }
  }

  static SpecReading of(SweepSpec spec) {
    return new SpecReading(Optional.of(spec), List.of());
  }

  public static SpecReading refused(List<Violation> violations) {
    return new SpecReading(Optional.empty(), violations);
  }

  /**
   * The spec.
   *
   * @throws InvalidSweepException with all violations when there is none
   */
  public SweepSpec orThrow() {
    return spec.orElseThrow(() -> new InvalidSweepException(violations));
  }
}
