package dev.espalier.standalone.supervisor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A process that can be told from another one that got the same number later.
 *
 * @param pid its number
 * @param start when it started, in words that stay equal while it lives and differ after a reboot
 */
record ProcessIdentity(long pid, String start) {

  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  /** Fields of {@code /proc/<pid>/stat} after the command name: state is the first of them. */
  private static final int STATE = 0;

  /** {@code starttime}, in ticks since boot: field 22, of which pid and name are cut off. */
  private static final int START_TICKS = 19;

  /** Empty where no such process runs; one that has ended and was not reaped does not run. */
  static Optional<ProcessIdentity> of(long pid) {
    Path stat = Path.of("/proc", Long.toString(pid), "stat");
    if (Files.exists(Path.of("/proc/self/stat"))) {
      try {
        String text = Files.readString(stat);
        String[] fields = text.substring(text.lastIndexOf(')') + 2).split(" ");
        if (fields[STATE].equals("Z") || fields[STATE].equals("X")) {
          return Optional.empty();
        }
        String boot = Files.exists(BOOT_ID) ? Files.readString(BOOT_ID).strip() : "";
        return Optional.of(new ProcessIdentity(pid, boot + "/" + fields[START_TICKS]));
      } catch (IOException gone) {
        return Optional.empty();
      }
    }
    return ProcessHandle.of(pid)
        .filter(ProcessHandle::isAlive)
        .map(
            handle ->
                new ProcessIdentity(
                    pid, handle.info().startInstant().map(Object::toString).orElse("unknown")));
  }

  boolean isRunning() {
    return of(pid).filter(this::equals).isPresent();
  }

  void terminate() {
    ProcessHandle.of(pid).filter(handle -> isRunning()).ifPresent(ProcessHandle::destroy);
  }

  void kill() {
    ProcessHandle.of(pid).filter(handle -> isRunning()).ifPresent(ProcessHandle::destroyForcibly);
  }

  /** Whether it had ended before the time was over. */
  boolean awaitEnd(long millis) throws InterruptedException {
    long deadline = System.nanoTime() + millis * 1_000_000;
    while (isRunning()) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      Thread.sleep(20);
    }
    return true;
  }
}
