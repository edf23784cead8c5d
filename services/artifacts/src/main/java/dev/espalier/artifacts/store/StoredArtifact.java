package dev.espalier.artifacts.store;

import java.time.Instant;

/**
 * A file that lies in an {@link ArtifactStore}.
 *
 * @param sha256 its name
 * @param sizeBytes its length
 * @param touchedAt when it was written or touched last, by the store's clock
 */
public record StoredArtifact(String sha256, long sizeBytes, Instant touchedAt) {}
