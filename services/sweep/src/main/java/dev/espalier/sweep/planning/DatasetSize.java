package dev.espalier.sweep.planning;

/**
 * Images of a dataset.
 *
 * @param train for search and recovery
 * @param validation for the curve
 * @param test for the result
 */
public record DatasetSize(int train, int validation, int test) {}
