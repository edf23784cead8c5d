package dev.espalier.standalone.supervisor;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs the embedded installation: broker, PostgreSQL, scheduler and workers as child processes
 * below one data directory.
 *
 * <p>{@code --home DIR --data-dir DIR [--trainers N] [--leashed]}, or {@code --clean} to end what a
 * killed supervisor left. SIGTERM stops everything in order: workers first, while scheduler and
 * broker still take their last reports, then the scheduler, then broker and database. With {@code
 * --leashed} the end of standard input means the same, so that nothing outlives the command that
 * started it. Exit codes: 0 stopped as asked, 1 could not start, 3 the directory is taken.
 */
public final class Supervisor {

  private static final int HOPELESS_AFTER = 4;
  private static final long POLL_MILLIS = 50;

  /** After so long a start says what it still waits for. */
  private static final Duration LONG_WAIT = Duration.ofSeconds(30);

  private static final int TAKEN = 3;

  private final Arguments arguments;
  private final DataDirectory directory;
  private final Fleet fleet;
  private final ProcessIdentity self;
  private final List<Child> children = new ArrayList<>();

  private State.Phase phase = State.Phase.STARTING;
  private String message = "starting";
  private String server;
  private String kafka;
  private String jdbc;
  private boolean stopping;

  private Supervisor(Arguments arguments, DataDirectory directory) {
    this.arguments = arguments;
    this.directory = directory;
    this.fleet = new Fleet(new Installation(arguments.home()), directory, new Ports());
    long pid = ProcessHandle.current().pid();
    this.self = ProcessIdentity.of(pid).orElse(new ProcessIdentity(pid, "unknown"));
  }

  /** What the command line asks for. */
  record Arguments(Path home, Path dataDirectory, int trainers, boolean leashed, boolean clean) {

    static Arguments parse(String[] words) {
      Map<String, String> values = new HashMap<>();
      for (int i = 0; i < words.length; i++) {
        switch (words[i]) {
          case "--leashed", "--clean" -> values.put(words[i], "");
          case "--home", "--data-dir", "--trainers" -> values.put(words[i], words[++i]);
          default -> throw new IllegalArgumentException("unknown argument " + words[i]);
        }
      }
      int trainers = Integer.parseInt(values.getOrDefault("--trainers", "0"));
      return new Arguments(
          Path.of(values.getOrDefault("--home", ".")).toAbsolutePath().normalize(),
          Path.of(values.get("--data-dir")).toAbsolutePath().normalize(),
          trainers > 0
              ? trainers
              : Fleet.trainers(Runtime.getRuntime().availableProcessors(), memoryBytes()),
          values.containsKey("--leashed"),
          values.containsKey("--clean"));
    }

    private static long memoryBytes() {
      return ManagementFactory.getOperatingSystemMXBean()
              instanceof com.sun.management.OperatingSystemMXBean system
          ? system.getTotalMemorySize()
          : Long.MAX_VALUE;
    }
  }

  public static void main(String[] words) throws Exception {
    Arguments arguments = Arguments.parse(words);
    try (DataDirectory directory = DataDirectory.take(arguments.dataDirectory(), 3_000)) {
      List<String> orphans = Orphans.end(directory.state(), directory.cluster());
      if (!orphans.isEmpty()) {
        log("ended what an earlier run left: " + String.join(", ", orphans));
      }
      if (arguments.clean()) {
        Files.deleteIfExists(directory.state());
        return;
      }
      int code = new Supervisor(arguments, directory).run(orphans);
      // On SIGTERM this runs inside the JVM's shutdown, where exit would wait for itself.
      Runtime.getRuntime().halt(code);
    } catch (DataDirectory.Taken taken) {
      log(taken.getMessage());
      System.exit(TAKEN);
    }
  }

  private int run(List<String> orphans) throws InterruptedException {
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  requestStop();
                  awaitHalt();
                },
                "stop"));
    if (arguments.leashed()) {
      Thread leash = new Thread(this::stopWithParent, "leash");
      leash.setDaemon(true);
      leash.start();
    }
    if (!orphans.isEmpty()) {
      tell(State.Phase.STARTING, "cleaned up after a killed run: " + String.join(", ", orphans));
    }
    String failure = null;
    try {
      failure = bringUp();
      while (failure == null && !isStopping()) {
        Thread.sleep(POLL_MILLIS);
      }
    } finally {
      bringDown(failure);
    }
    return failure == null ? 0 : 1;
  }

  /** The main thread stops the children and halts the JVM. */
  private static void awaitHalt() {
    try {
      Thread.currentThread().join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void stopWithParent() {
    try {
      while (System.in.read() >= 0) {
        // The parent never writes.
      }
    } catch (IOException gone) {
      // As good as its end.
    }
    log("the command that started this is gone");
    requestStop();
  }

  private synchronized void requestStop() {
    stopping = true;
  }

  private synchronized boolean isStopping() {
    return stopping;
  }

  /** Null where all came up or a stop was asked for, else what went wrong. */
  private String bringUp() throws InterruptedException {
    List<Path> missing = new Installation(arguments.home()).missing();
    if (!missing.isEmpty()) {
      return "the build left no " + missing.get(0);
    }
    tell(State.Phase.STARTING, "starting broker and PostgreSQL");
    Child broker = add(fleet.broker());
    Child postgres = add(fleet.postgres());
    String failure = awaitReady(List.of(broker, postgres));
    if (failure != null || isStopping()) {
      return failure;
    }
    synchronized (this) {
      kafka = Fleet.kafka(broker.spec());
      jdbc = Fleet.jdbc(postgres.spec());
    }
    tell(State.Phase.STARTING, "starting the scheduler and workers");
    Child scheduler = add(fleet.scheduler(kafka, jdbc));
    synchronized (this) {
      server = "http://127.0.0.1:" + scheduler.spec().port();
    }
    failure = awaitReady(List.of(scheduler));
    if (failure != null || isStopping()) {
      return failure;
    }
    tell(State.Phase.SERVING, "starting workers");
    List<Child> workers = new ArrayList<>();
    for (ChildSpec worker : fleet.workers(kafka, arguments.trainers())) {
      workers.add(add(worker));
    }
    failure = awaitReady(workers);
    if (failure == null && !isStopping()) {
      tell(State.Phase.READY, "ready");
    }
    return failure;
  }

  private Child add(ChildSpec spec) {
    Child child = new Child(spec, this::writeState);
    synchronized (this) {
      children.add(child);
    }
    child.start();
    return child;
  }

  private String awaitReady(List<Child> awaited) throws InterruptedException {
    long tellAt = System.nanoTime() + LONG_WAIT.toNanos();
    while (!isStopping()) {
      if (awaited.stream().allMatch(Child::isReady)) {
        return null;
      }
      for (Child child : awaited) {
        if (child.hopelessAfter(HOPELESS_AFTER)) {
          return "%s ended %d times before it was ready (exit code %s); its log is %s"
              .formatted(child.name(), HOPELESS_AFTER, child.view().exitCode(), child.spec().log());
        }
        if (!child.isReady() && System.nanoTime() > tellAt) {
          tell(phase, "waits for %s, whose log is %s".formatted(child.name(), child.spec().log()));
          tellAt = System.nanoTime() + LONG_WAIT.toNanos();
        }
      }
      Thread.sleep(POLL_MILLIS);
    }
    return null;
  }

  private void bringDown(String failure) throws InterruptedException {
    tell(State.Phase.STOPPING, failure == null ? "stopping" : failure);
    List<Child> workers = new ArrayList<>();
    List<Child> schedulers = new ArrayList<>();
    List<Child> stores = new ArrayList<>();
    for (Child child : copyOfChildren()) {
      switch (child.name()) {
        case "broker", "postgres" -> stores.add(child);
        case "scheduler" -> schedulers.add(child);
        default -> workers.add(child);
      }
    }
    for (List<Child> group : List.of(workers, schedulers, stores)) {
      group.forEach(Child::stop);
      for (Child child : group) {
        if (!child.awaitStop()) {
          log(child.name() + " did not stop in time and was killed");
        }
      }
    }
    // A PostgreSQL parent that had to be killed leaves its server.
    Postmaster.end(directory.cluster());
    tell(
        failure == null ? State.Phase.STOPPED : State.Phase.FAILED,
        failure == null ? "stopped" : failure);
  }

  private synchronized List<Child> copyOfChildren() {
    return List.copyOf(children);
  }

  private void tell(State.Phase next, String text) {
    synchronized (this) {
      phase = next;
      message = text;
    }
    log(text);
    writeState();
  }

  private synchronized void writeState() {
    List<State.ChildState> states = new ArrayList<>();
    for (Child child : children) {
      Child.View view = child.view();
      states.add(
          new State.ChildState(
              view.name(),
              view.state().name(),
              view.port(),
              view.restarts(),
              view.exitCode(),
              view.process() == null ? null : view.process().pid(),
              view.process() == null ? null : view.process().start(),
              child.spec().log().toString()));
    }
    try {
      new State(
              phase,
              message,
              self.pid(),
              self.start(),
              arguments.home().toString(),
              server,
              kafka,
              jdbc,
              arguments.leashed(),
              states)
          .write(directory.state());
    } catch (IOException e) {
      log("cannot write " + directory.state() + ": " + e);
    }
  }

  private static void log(String text) {
    System.out.println(java.time.Instant.now() + " " + text);
    System.out.flush();
  }
}
