package dev.espalier.artifacts.store;

/** Why an artifact could not be stored or read. */
public final class ArtifactException extends RuntimeException {

  /** What went wrong, and with it who has to act. */
  public enum Reason {
    /** The name is not 64 lower-case hex digits: a mistake of the caller. */
    BAD_NAME,
    /** No such artifact in this store. */
    MISSING,
    /** The stored bytes no longer have the digest they are named by. */
    CORRUPT,
    /** The disk is full; nothing was stored. */
    STORE_FULL,
    /** The bytes are longer than the caller allows; nothing was stored. */
    TOO_LARGE,
    /** Any other failure of the store. */
    UNAVAILABLE
  }

  private final Reason reason;

  ArtifactException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  ArtifactException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  static ArtifactException badName(String name) {
    String shown = name == null || name.length() <= 80 ? name : name.substring(0, 80) + "…";
    return new ArtifactException(
        Reason.BAD_NAME, "artifact name must be 64 lower-case hex digits but is " + shown);
  }

  static ArtifactException missing(String sha256) {
    return new ArtifactException(
        Reason.MISSING, "artifact " + sha256 + " is not in the artifact store");
  }

  static ArtifactException corrupt(String sha256, String found) {
    return new ArtifactException(
        Reason.CORRUPT, "artifact %s holds bytes of digest %s".formatted(sha256, found));
  }

  static ArtifactException tooLarge(long limit) {
    return new ArtifactException(
        Reason.TOO_LARGE, "artifact must be at most %d bytes but is longer".formatted(limit));
  }

  public Reason reason() {
    return reason;
  }
}
