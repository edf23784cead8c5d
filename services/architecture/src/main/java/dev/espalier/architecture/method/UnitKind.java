package dev.espalier.architecture.method;

import java.util.Locale;

/** A kind of structure that a method can remove. */
public enum UnitKind {
  EMBEDDING,
  HEAD,
  QK,
  V,
  MLP;

  /** The name for people and JSON, for instance "embedding". */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
