package dev.espalier.artifacts.safetensors;

/** A file is not what it should be; the message says what was expected and what came. */
public final class MalformedFileException extends IllegalArgumentException {

  private static final long serialVersionUID = 1;

  public MalformedFileException(String message) {
    super(message);
  }

  public MalformedFileException(String message, Throwable cause) {
    super(message, cause);
  }
}
