package dev.espalier.architecture.method;

/** The stage whose result a parameter changes; only that stage's identity holds it. */
public enum ParameterPhase {
  SEARCH,
  PRUNE,
  FINETUNE
}
