package dev.espalier.standalone.supervisor;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Keeps one child process running until told to stop: starts it, watches for its readiness, and
 * starts it again with back-off when it ends by itself.
 */
final class Child {

  /** What others see of a child. */
  enum State {
    WAITING,
    STARTING,
    READY,
    BACKING_OFF,
    STOPPED
  }

  /** A moment's view, for the state file. */
  record View(
      String name,
      State state,
      int port,
      int restarts,
      Integer exitCode,
      ProcessIdentity process) {}

  private static final long POLL_MILLIS = 200;
  private static final long LOG_LIMIT_BYTES = 5L << 20;

  /**
   * A terminal sends Ctrl-C to all its processes at once, and a broker that ends beside its clients
   * keeps them from ending in order: so children ignore it, and the supervisor stops them.
   */
  private static final List<String> DEAF_TO_THE_TERMINAL =
      List.of("/bin/sh", "-c", "trap '' INT HUP QUIT; exec \"$@\"", "espalier");

  private final ChildSpec spec;
  private final Map<String, String> caller;
  private final Runnable changed;
  private final Thread keeper;

  private State state = State.WAITING;
  private Process process;
  private ProcessIdentity identity;
  private Backoff backoff = Backoff.NONE;
  private int restarts;
  private Integer exitCode;
  private boolean everReady;
  private boolean stopping;

  /**
   * @param changed called after each change of state, on the keeper's thread
   */
  Child(ChildSpec spec, Runnable changed) {
    this(spec, System.getenv(), changed);
  }

  /**
   * @param caller variables that the supervisor was started with
   */
  Child(ChildSpec spec, Map<String, String> caller, Runnable changed) {
    this.spec = spec;
    this.caller = Map.copyOf(caller);
    this.changed = changed;
    this.keeper = new Thread(this::keep, "keeper-" + spec.name());
    this.keeper.setDaemon(true);
  }

  String name() {
    return spec.name();
  }

  ChildSpec spec() {
    return spec;
  }

  void start() {
    keeper.start();
  }

  synchronized View view() {
    return new View(spec.name(), state, spec.port(), restarts, exitCode, identity);
  }

  synchronized boolean isReady() {
    return state == State.READY;
  }

  /** It has ended this often in a row and never served. */
  synchronized boolean hopelessAfter(int ends) {
    return !everReady && restarts >= ends;
  }

  private void keep() {
    try {
      while (!isStopping()) {
        long started = System.nanoTime();
        Process running = launch();
        if (running != null) {
          watch(running);
        }
        Duration life = Duration.ofNanos(System.nanoTime() - started);
        Duration delay;
        synchronized (this) {
          exitCode = running == null ? null : running.exitValue();
          identity = null;
          if (stopping) {
            break;
          }
          backoff = backoff.afterLifeOf(life);
          restarts++;
          delay = backoff.delay();
        }
        become(State.BACKING_OFF);
        pause(delay);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      become(State.STOPPED);
    }
  }

  /** Null where the process cannot be started at all; the reason goes to its log. */
  private Process launch() {
    try {
      turnLog();
      spec.readiness().reset();
      List<String> command = new ArrayList<>(DEAF_TO_THE_TERMINAL);
      command.addAll(spec.command());
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(spec.log().toFile()))
              .redirectInput(ProcessBuilder.Redirect.PIPE);
      builder.environment().clear();
      builder.environment().putAll(ChildEnvironment.of(caller, spec.environment()));
      synchronized (this) {
        if (stopping) {
          return null;
        }
        process = builder.start();
        identity =
            ProcessIdentity.of(process.pid()).orElse(new ProcessIdentity(process.pid(), "ended"));
      }
      become(State.STARTING);
      return process;
    } catch (IOException | RuntimeException e) {
      note("cannot be started: " + e);
      return null;
    }
  }

  private void watch(Process running) throws InterruptedException {
    while (!running.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
      boolean starting;
      synchronized (this) {
        starting = state == State.STARTING && !stopping;
      }
      if (starting && spec.readiness().isReady()) {
        synchronized (this) {
          everReady = true;
        }
        become(State.READY);
      }
    }
  }

  private void become(State next) {
    synchronized (this) {
      state = next;
      notifyAll();
    }
    changed.run();
  }

  private synchronized void pause(Duration delay) throws InterruptedException {
    long deadline = System.nanoTime() + delay.toNanos();
    long left = delay.toMillis();
    while (!stopping && left > 0) {
      wait(left);
      left = (deadline - System.nanoTime()) / 1_000_000;
    }
  }

  private synchronized boolean isStopping() {
    return stopping;
  }

  /** Asks it to end and returns at once. */
  void stop() {
    Optional<Process> running;
    synchronized (this) {
      stopping = true;
      running = Optional.ofNullable(process);
      notifyAll();
    }
    running.ifPresent(Process::destroy);
  }

  /** Kills it where it has not ended within its time. Whether it ended by itself. */
  boolean awaitStop() throws InterruptedException {
    keeper.join(spec.stopWithin().toMillis());
    if (!keeper.isAlive()) {
      return true;
    }
    Process running;
    synchronized (this) {
      running = process;
    }
    if (running != null) {
      running.destroyForcibly();
    }
    keeper.join(TimeUnit.SECONDS.toMillis(5));
    return false;
  }

  /** Keeps one earlier log beside the current one. */
  private void turnLog() throws IOException {
    File log = spec.log().toFile();
    if (log.length() > LOG_LIMIT_BYTES) {
      Files.move(
          spec.log(),
          spec.log().resolveSibling(log.getName() + ".1"),
          StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private void note(String message) {
    try {
      Files.writeString(
          spec.log(),
          spec.name() + " " + message + System.lineSeparator(),
          java.nio.file.StandardOpenOption.CREATE,
          java.nio.file.StandardOpenOption.APPEND);
    } catch (IOException e) {
      System.err.println(spec.name() + " " + message + " (and its log: " + e + ")");
    }
  }
}
