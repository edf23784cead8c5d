package dev.espalier.schemas.text;

import java.util.List;

/**
 * What became of reading a text: a tree, or what is wrong with it.
 *
 * @param tree maps with text keys, lists, {@link String}, {@link Long}, {@link Double}, {@link
 *     Boolean}; null when there are violations
 * @param violations empty when there is a tree
 */
public record TextReading(Object tree, List<TextViolation> violations) {

  public TextReading {
    violations = List.copyOf(violations);
  }

  static TextReading of(Object tree) {
    return new TextReading(tree, List.of());
  }

  static TextReading refused(String field, String expected, String found) {
    return new TextReading(null, List.of(new TextViolation(field, expected, found)));
  }

  public boolean isValid() {
    return violations.isEmpty();
  }
}
