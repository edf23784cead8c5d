package dev.espalier.standalone.leash;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Ends a JVM when the process that started it is gone, however that one died.
 *
 * <p>It is a Java agent, so that a packaged service is held without a change to it: {@code
 * -javaagent:espalier-standalone-leash.jar=<grace in ms>}. The parent keeps the other end of this
 * process's standard input; the kernel closes it when the parent ends, even by SIGKILL. Then this
 * JVM gets {@code grace} to stop in order and is halted after that.
 */
public final class Leash {

  private static final int EXIT_CODE = 143;

  private Leash() {}

  public static void premain(String grace) {
    hold(new FileInputStream(FileDescriptor.in), Long.parseLong(grace));
  }

  /** For mains of ours that need no agent. */
  public static void hold(InputStream parent, long graceMillis) {
    daemon("leash", () -> waitForEnd(parent, graceMillis));
  }

  private static void waitForEnd(InputStream parent, long graceMillis) {
    try {
      while (parent.read() >= 0) {
        // The parent never writes; whatever comes is no end of file.
      }
    } catch (IOException gone) {
      // A broken pipe says the same as its end.
    }
    daemon("leash-exit", () -> System.exit(EXIT_CODE));
    long deadline = System.nanoTime() + graceMillis * 1_000_000;
    while (System.nanoTime() < deadline) {
      try {
        Thread.sleep(50);
      } catch (InterruptedException e) {
        break;
      }
    }
    Runtime.getRuntime().halt(EXIT_CODE);
  }

  private static void daemon(String name, Runnable body) {
    Thread thread = new Thread(body, name);
    thread.setDaemon(true);
    thread.start();
  }
}
