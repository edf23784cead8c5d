package dev.espalier.sweep.lifecycle;

/** A named file that a stage made. */
public record Output(String name, Artifact artifact) {}
