package dev.espalier.scheduler.registry;

/** A file that is not what it is registered as; says what was expected and what came. */
final class InvalidArtifact extends Exception {

  private static final long serialVersionUID = 1L;

  private final String expected;
  private final String found;

  InvalidArtifact(String expected, String found) {
    super("expected " + expected + " but found " + found);
    this.expected = expected;
    this.found = found;
  }

  String expected() {
    return expected;
  }

  String found() {
    return found;
  }
}
