package dev.espalier.scheduler.api;

/** One thing that is wrong with a request: which field, what it should be, what it is. */
public record Violation(String field, String expected, String found) {}
