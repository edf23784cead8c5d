package dev.espalier.cli;

/** What a script sees. */
public final class ExitCode {

  public static final int DONE = 0;
  public static final int FAILED = 1;
  public static final int BAD_INPUT = 2;

  private ExitCode() {}
}
