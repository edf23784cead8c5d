package dev.espalier.sweep.assignment;

/** A stage goes to a worker. */
public record Assignment(String stageId, String workerId) {}
