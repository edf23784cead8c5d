package dev.espalier.cli.local;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.espalier.cli.CommandFailed;
import java.io.File;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The installation below a data directory, as seen from outside: a supervisor holds the directory's
 * lock while it runs and writes {@code run/state.json}. The two programs share nothing else.
 */
public final class LocalPlatform {

  /** As the supervisor's. */
  private static final int TAKEN = 3;

  private static final long POLL_MILLIS = 100;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Keeps Ctrl-C and the end of a terminal from the supervisor: the command tells it to stop. */
  private static final List<String> DEAF_TO_THE_TERMINAL =
      List.of("/bin/sh", "-c", "trap '' INT HUP QUIT; exec \"$@\"", "espalier");

  private final Path home;
  private final Path dataDirectory;

  public LocalPlatform(Path home, Path dataDirectory) {
    this.home = home;
    this.dataDirectory = dataDirectory;
  }

  public Path dataDirectory() {
    return dataDirectory;
  }

  /** Whether a supervisor, starting, serving or stopping, has the directory. */
  public boolean isHeld() {
    Path file = dataDirectory.resolve("lock");
    if (!Files.exists(file)) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock()) {
      return lock == null;
    } catch (IOException e) {
      throw new CommandFailed("cannot look at %s: %s".formatted(file, e.getMessage()));
    }
  }

  /** What the supervisor wrote last; says something only while the directory is held. */
  public Optional<JsonNode> state() {
    Path file = dataDirectory.resolve("run/state.json");
    try {
      return Files.exists(file)
          ? Optional.of(JSON.readTree(Files.readString(file)))
          : Optional.empty();
    } catch (IOException unreadable) {
      return Optional.empty();
    }
  }

  /** Address of the scheduler, where one serves. */
  public Optional<String> server() {
    if (!isHeld()) {
      return Optional.empty();
    }
    return state()
        .filter(state -> List.of("SERVING", "READY").contains(state.path("phase").asText()))
        .map(state -> state.path("server").asText());
  }

  /**
   * Starts a supervisor.
   *
   * @param trainers 0 for as many as the machine bears
   * @param leashed whether it ends with this process
   */
  public Process launch(int trainers, boolean leashed) {
    Path jar = home.resolve("services/standalone/target/espalier-standalone-run.jar");
    if (!Files.isRegularFile(jar)) {
      throw new CommandFailed("not built yet: there is no %s; run ./espalier".formatted(jar));
    }
    try {
      Files.createDirectories(dataDirectory.resolve("logs"));
      Files.createDirectories(dataDirectory.resolve("run"));
    } catch (IOException e) {
      throw new CommandFailed(
          "cannot write to %s (%s); name another place with --data-dir DIR"
              .formatted(dataDirectory, e.getMessage()));
    }
    List<String> command = new ArrayList<>(DEAF_TO_THE_TERMINAL);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", jar.toString()));
    command.addAll(List.of("--home", home.toString(), "--data-dir", dataDirectory.toString()));
    if (trainers > 0) {
      command.addAll(List.of("--trainers", Integer.toString(trainers)));
    }
    if (leashed) {
      command.add("--leashed");
    }
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
            .redirectInput(
                leashed
                    ? ProcessBuilder.Redirect.PIPE
                    : ProcessBuilder.Redirect.from(new File("/dev/null")));
    try {
      return builder.start();
    } catch (IOException e) {
      throw new CommandFailed("cannot start %s: %s".formatted(command.get(4), e.getMessage()));
    }
  }

  /** Told of each step of a start. */
  @FunctionalInterface
  public interface Steps {
    void step(String message);
  }

  /**
   * Waits until the launched supervisor has come to a phase.
   *
   * @param phases for instance SERVING, READY
   */
  public JsonNode await(Process supervisor, List<String> phases, Steps steps) {
    String told = "";
    try {
      while (true) {
        Optional<JsonNode> state = state().filter(s -> s.path("pid").asLong() == supervisor.pid());
        if (state.isPresent()) {
          String message = state.get().path("message").asText();
          if (!message.equals(told)) {
            told = message;
            steps.step(message);
          }
          if (phases.contains(state.get().path("phase").asText())) {
            return state.get();
          }
        }
        if (supervisor.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
          if (supervisor.exitValue() == TAKEN) {
            throw new CommandFailed("another Espalier has just started on " + dataDirectory);
          }
          throw new CommandFailed(
              state()
                  .filter(s -> s.path("pid").asLong() == supervisor.pid())
                  .map(s -> s.path("message").asText())
                  .orElse(
                      "the supervisor ended with exit code "
                          + supervisor.exitValue()
                          + "; its log is "
                          + log()));
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandFailed("interrupted");
    }
  }

  /** Asks the running supervisor to stop everything. */
  public void requestStop() {
    state()
        .map(state -> state.path("pid").asLong())
        .flatMap(ProcessHandle::of)
        .ifPresent(ProcessHandle::destroy);
  }

  /** Whether the directory was free within the time. */
  public boolean awaitFree(long millis) {
    long deadline = System.nanoTime() + millis * 1_000_000;
    try {
      while (isHeld()) {
        if (System.nanoTime() > deadline) {
          return false;
        }
        Thread.sleep(POLL_MILLIS);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Ends what a killed supervisor left running. */
  public void clean() {
    try {
      Process process =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "-Xmx64m",
                  "-jar",
                  home.resolve("services/standalone/target/espalier-standalone-run.jar").toString(),
                  "--data-dir",
                  dataDirectory.toString(),
                  "--clean")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
              .start();
      process.waitFor(1, TimeUnit.MINUTES);
    } catch (IOException e) {
      throw new CommandFailed("cannot clean up %s: %s".formatted(dataDirectory, e.getMessage()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  public Path log() {
    return dataDirectory.resolve("logs/supervisor.log");
  }
}
