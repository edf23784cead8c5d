package dev.espalier.artifacts.store;

import java.util.regex.Pattern;

/**
 * An immutable file in an {@link ArtifactStore}, named by what it holds.
 *
 * @param sha256 hex digest of its bytes, which is its name
 * @param sizeBytes its length
 * @param mediaType what the bytes are, one of {@link MediaTypes} for our own files
 */
public record Artifact(String sha256, long sizeBytes, String mediaType) {

  private static final Pattern NAME = Pattern.compile("[0-9a-f]{64}");
  private static final String SCHEME = "artifact:";

  public Artifact {
    requireName(sha256);
    if (sizeBytes < 0) {
      throw new IllegalArgumentException("size must not be negative but is " + sizeBytes);
    }
    if (mediaType == null || mediaType.isBlank()) {
      throw new IllegalArgumentException("artifact " + sha256 + " needs a media type");
    }
  }

  /** How events name it, {@code artifact:<sha256>}. */
  public String uri() {
    return SCHEME + sha256;
  }

  /** The digest inside an {@code artifact:<sha256>} reference. */
  public static String nameOf(String uri) {
    if (uri == null || !uri.startsWith(SCHEME)) {
      throw ArtifactException.badName(uri);
    }
    return requireName(uri.substring(SCHEME.length()));
  }

  /** Whether the text could name an artifact: 64 lower-case hex digits. */
  public static boolean isName(String text) {
    return text != null && NAME.matcher(text).matches();
  }

  static String requireName(String text) {
    if (!isName(text)) {
      throw ArtifactException.badName(text);
    }
    return text;
  }
}
