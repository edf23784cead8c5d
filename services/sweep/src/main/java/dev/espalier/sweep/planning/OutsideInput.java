package dev.espalier.sweep.planning;

/**
 * A registered model or dataset that a stage reads.
 *
 * @param role "base" or "dataset"
 * @param name under which it is registered; no part of the identity
 * @param artifact the file
 */
public record OutsideInput(String role, String name, ArtifactPointer artifact) {}
