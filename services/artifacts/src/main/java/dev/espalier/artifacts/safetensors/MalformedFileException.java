package dev.espalier.artifacts.safetensors;

/**
 * A file is not what it should be; the message says what was expected and what came, in visible
 * characters, as parts of it may be a stranger's.
 */
public final class MalformedFileException extends IllegalArgumentException {

  private static final long serialVersionUID = 1;
  private static final int MAX_LENGTH = 600;

  public MalformedFileException(String message) {
    super(visible(message));
  }

  public MalformedFileException(String message, Throwable cause) {
    super(visible(message), cause);
  }

  private static String visible(String message) {
    String visible = message.replaceAll("[^\\x20-\\x7e…]", "?");
    return visible.length() <= MAX_LENGTH ? visible : visible.substring(0, MAX_LENGTH) + "…";
  }
}
