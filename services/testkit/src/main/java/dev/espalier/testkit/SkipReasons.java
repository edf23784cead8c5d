package dev.espalier.testkit;

import java.io.PrintStream;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.TestExecutionResult.Status;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;

/**
 * Prints why a test or a whole class was skipped. Surefire counts the tests whose assumption does
 * not hold but keeps the reason to its files, and of a class that is skipped as a whole it says
 * nothing. The launcher finds this by {@code META-INF/services}.
 */
public final class SkipReasons implements TestExecutionListener {

  private final PrintStream out;

  public SkipReasons() {
    this(System.out);
  }

  SkipReasons(PrintStream out) {
    this.out = out;
  }

  @Override
  public void executionSkipped(TestIdentifier test, String reason) {
    tell(test, reason);
  }

  @Override
  public void executionFinished(TestIdentifier test, TestExecutionResult result) {
    if (result.getStatus() == Status.ABORTED) {
      tell(test, result.getThrowable().map(Throwable::getMessage).orElse("no reason given"));
    }
  }

  private void tell(TestIdentifier test, String reason) {
    out.println("skipped: " + test.getLegacyReportingName() + ": " + reason);
  }
}
