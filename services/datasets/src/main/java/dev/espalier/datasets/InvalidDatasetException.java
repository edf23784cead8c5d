package dev.espalier.datasets;

/** A file that is no dataset: says what was expected and what came. The data has to change. */
public final class InvalidDatasetException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  public InvalidDatasetException(String message) {
    super(message);
  }

  public InvalidDatasetException(String message, Throwable cause) {
    super(message, cause);
  }
}
