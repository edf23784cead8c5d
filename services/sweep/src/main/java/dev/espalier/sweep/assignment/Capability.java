package dev.espalier.sweep.assignment;

/** A kind of stage that a worker can run, such as {@code FINETUNE finetune@1}. */
public record Capability(String kind, String algorithm, int version) {}
