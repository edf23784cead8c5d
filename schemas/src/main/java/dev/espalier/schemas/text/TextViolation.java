package dev.espalier.schemas.text;

/**
 * What is wrong with a text before it is even a tree.
 *
 * @param field path of the field; "" for the whole text
 * @param expected what would be right
 * @param found what came
 */
public record TextViolation(String field, String expected, String found) {}
