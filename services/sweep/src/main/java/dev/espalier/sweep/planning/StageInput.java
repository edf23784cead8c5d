package dev.espalier.sweep.planning;

/**
 * An output of another stage that a stage reads.
 *
 * @param role what it is to the reader, for instance "plan"
 * @param stageId identity of the stage that makes it
 * @param output name of the output there
 */
public record StageInput(String role, String stageId, String output) {}
