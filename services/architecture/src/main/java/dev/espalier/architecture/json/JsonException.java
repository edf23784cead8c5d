package dev.espalier.architecture.json;

/**
 * Text that is not JSON, or JSON that is not what a reader wants. The message says which, where.
 */
public final class JsonException extends IllegalArgumentException {

  private static final long serialVersionUID = 1;

  public JsonException(String message) {
    super(message);
  }
}
