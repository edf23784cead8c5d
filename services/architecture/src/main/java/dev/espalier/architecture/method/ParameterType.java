package dev.espalier.architecture.method;

/** Type of a method's parameter. */
public enum ParameterType {
  INTEGER,
  NUMBER,
  TEXT,
  FLAG
}
