package dev.espalier.sweep.assignment;

/** A running stage gives its slot back, after a checkpoint. */
public record Preemption(String stageId, String reason) {}
