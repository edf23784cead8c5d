package dev.espalier.sweep.lifecycle;

/** A named figure that a stage measured, such as {@code top1_accuracy} in [0, 1]. */
public record Measurement(String name, double value) {}
