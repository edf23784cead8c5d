package dev.espalier.cli;

/** Ctrl-C while a command runs: the clean-up speaks, and the command it interrupts is silent. */
public final class Interruption {

  private static volatile boolean inProgress;

  private Interruption() {}

  /** Runs at Ctrl-C and SIGTERM, and interrupts the calling thread before. */
  public static void cleanUpWith(Runnable cleanUp) {
    Thread interrupted = Thread.currentThread();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  inProgress = true;
                  interrupted.interrupt();
                  cleanUp.run();
                },
                "clean-up"));
  }

  /** Never returns during a clean-up: the JVM ends with it. */
  static void parkIfInProgress() {
    while (inProgress) {
      try {
        Thread.sleep(60_000);
      } catch (InterruptedException again) {
        // Nothing here may end the JVM before the clean-up has.
      }
    }
  }
}
