package dev.espalier.standalone.supervisor;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Ends what a killed supervisor left running. Its children hang on a leash and end by themselves
 * within seconds; this is for those that do not, and for PostgreSQL, which is on none.
 */
final class Orphans {

  private static final long TERM_MILLIS = 6_000;
  private static final long KILL_MILLIS = 5_000;

  private Orphans() {}

  /**
   * To be called by the holder of the directory's lock.
   *
   * @return names of the children that were still running
   */
  static List<String> end(Path stateFile, Path postgres) throws InterruptedException {
    List<String> found = new ArrayList<>();
    List<ProcessIdentity> running = new ArrayList<>();
    State.read(stateFile).map(State::children).orElse(List.of()).stream()
        .filter(child -> child.pid() != null)
        .forEach(
            child -> {
              ProcessIdentity process = new ProcessIdentity(child.pid(), child.start());
              if (process.isRunning()) {
                found.add(child.name());
                running.add(process);
              }
            });
    running.forEach(ProcessIdentity::terminate);
    long deadline = System.nanoTime() + TERM_MILLIS * 1_000_000;
    for (ProcessIdentity process : running) {
      if (!process.awaitEnd(Math.max(0, (deadline - System.nanoTime()) / 1_000_000))) {
        process.kill();
        process.awaitEnd(KILL_MILLIS);
      }
    }
    if (Postmaster.end(postgres) && !found.contains("postgres")) {
      found.add("postgres");
    }
    return found;
  }
}
