package dev.espalier.datasets;

/**
 * A file that gave no image.
 *
 * @param file relative to the dataset's directory
 * @param reason for people
 */
public record BrokenImage(String file, String reason) {}
