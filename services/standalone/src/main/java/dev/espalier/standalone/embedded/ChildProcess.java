package dev.espalier.standalone.embedded;

import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;

/** What the embedded servers have in common when they run as programs of their own. */
final class ChildProcess {

  /** How often a child looks whether its parent is still there. */
  private static final long PARENT_CHECK_MS = 500;

  record Options(Path dataDir, int port) {}

  private ChildProcess() {}

  static Options options(String[] args) {
    Path dataDir = null;
    int port = 0;
    for (int i = 0; i + 1 < args.length; i += 2) {
      switch (args[i]) {
        case "--data-dir" -> dataDir = Path.of(args[i + 1]);
        case "--port" -> port = Integer.parseInt(args[i + 1]);
        default -> throw new IllegalArgumentException("unknown option " + args[i]);
      }
    }
    if (dataDir == null || args.length % 2 != 0) {
      throw new IllegalArgumentException("expected --data-dir DIR [--port N]");
    }
    return new Options(dataDir, port);
  }

  /** Starts, prints one line with the word ready, and stays until SIGTERM or the parent's death. */
  static void run(Runnable start, Runnable stop, Supplier<String> address)
      throws InterruptedException {
    Optional<ProcessHandle> parent = ProcessHandle.current().parent();
    var stopped = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  stop.run();
                  stopped.countDown();
                },
                "stop"));
    try {
      start.run();
    } catch (RuntimeException e) {
      System.err.println(e.getMessage());
      System.exit(1);
    }
    System.out.println("ready " + address.get());
    System.out.flush();
    while (stopped.getCount() > 0) {
      boolean orphaned =
          parent.isPresent()
              && !ProcessHandle.current()
                  .parent()
                  .map(ProcessHandle::pid)
                  .equals(parent.map(ProcessHandle::pid));
      if (orphaned) {
        System.exit(0);
      }
      Thread.sleep(PARENT_CHECK_MS);
    }
  }
}
