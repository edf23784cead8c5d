package dev.espalier.eventstore;

import java.util.Optional;

/**
 * How the relay of this process is doing.
 *
 * @param alive whether its thread runs
 * @param publishing whether it holds the lock and publishes; a stand-by does not
 * @param unpublished rows that wait, when last counted
 * @param lastError what it is waiting out, if anything
 */
public record RelayHealth(
    boolean alive, boolean publishing, long unpublished, Optional<String> lastError) {}
