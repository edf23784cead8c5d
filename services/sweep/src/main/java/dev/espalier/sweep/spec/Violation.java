package dev.espalier.sweep.spec;

/**
 * One thing that is wrong with a request.
 *
 * @param field path of the field, for instance "methods[0].parameters.interval"; "" for the whole
 * @param expected what would be right
 * @param found what came, shortened
 */
public record Violation(String field, String expected, String found) {

  @Override
  public String toString() {
    return "%s: expected %s, found %s"
        .formatted(field.isEmpty() ? "sweep" : field, expected, found);
  }
}
