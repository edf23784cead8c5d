package dev.espalier.sweep.planning;

/**
 * A file in the artifact store.
 *
 * @param sha256 64 hex digits
 * @param sizeBytes its length
 * @param mediaType for people and HTTP
 */
public record ArtifactPointer(String sha256, long sizeBytes, String mediaType) {

  public ArtifactPointer {
    if (!sha256.matches("[0-9a-f]{64}")) {
      throw new IllegalArgumentException("sha256 must be 64 hex digits but is " + sha256);
    }
  }

  /** Where it lies, for a store to resolve. */
  public String uri() {
    return "artifact:" + sha256;
  }
}
