package dev.espalier.sweep.strategy;

/**
 * A cell that came to the end of a rung.
 *
 * @param rung from 0
 * @param top1Accuracy mean over its seeds at the rung's epochs; NaN if one of them failed or
 *     diverged
 */
public record RungEntry(String cellId, String target, int rung, double top1Accuracy) {}
