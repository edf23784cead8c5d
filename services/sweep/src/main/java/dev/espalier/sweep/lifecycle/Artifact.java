package dev.espalier.sweep.lifecycle;

/** An immutable file in the artifact store. */
public record Artifact(String sha256, long sizeBytes, String mediaType) {}
