package dev.espalier.cli;

/** A command could not do what it was asked; the message is for people. Exit code 1. */
public final class CommandFailed extends RuntimeException {

  private static final long serialVersionUID = 1;

  public CommandFailed(String message) {
    super(message, null, false, false);
  }
}
