package dev.espalier.testkit;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A program of this class path in a process of its own, so that it can be killed as {@code kill -9}
 * does. It says {@code ready} on its output once it works; its input ends with this process, which
 * is how it knows that it is alone.
 */
public final class ChildJvm implements AutoCloseable {

  private static final long PAUSE_MS = 20;

  private final String name;
  private final Path log;
  private final Process process;

  private ChildJvm(String name, Path log, Process process) {
    this.name = name;
    this.log = log;
    this.process = process;
  }

  /**
   * @param name of the process in messages and of its log
   * @param flags of the JVM
   * @param main class of this class path
   */
  public static ChildJvm start(
      String name, Path directory, List<String> flags, Class<?> main, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    try {
      Files.createDirectories(directory);
      Path log = Files.createTempFile(directory, name + "-", ".log");
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.redirectErrorStream(true).redirectOutput(log.toFile());
      return new ChildJvm(name, log, builder.start());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start " + name, e);
    }
  }

  /** Returns once the program has said that it works. */
  public ChildJvm awaitReady(Duration limit) {
    long deadline = System.nanoTime() + limit.toNanos();
    while (!saidReady()) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        throw new AssertionError(
            "expected %s to be ready within %s but it %s; it said:%n%s"
                .formatted(
                    name,
                    limit,
                    process.isAlive() ? "is not" : "ended",
                    String.join("\n", tail())));
      }
      try {
        Thread.sleep(PAUSE_MS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new AssertionError("interrupted", e);
      }
    }
    return this;
  }

  private boolean saidReady() {
    try (BufferedReader lines = Files.newBufferedReader(log)) {
      return lines.lines().anyMatch(line -> line.startsWith("ready"));
    } catch (IOException | UncheckedIOException e) {
      return false;
    }
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** Processor time that it has used, where the system says. */
  public Optional<Duration> cpu() {
    return process.info().totalCpuDuration();
  }

  /** The last lines of what it said. */
  public List<String> tail() {
    try {
      List<String> lines = Files.readAllLines(log);
      return lines.subList(Math.max(0, lines.size() - 60), lines.size());
    } catch (IOException e) {
      return List.of(e.toString());
    }
  }

  /** {@code kill -9}; returns when it is gone. */
  public void kill() {
    process.destroyForcibly();
    await();
  }

  /** SIGTERM, and by force if that does not do. */
  @Override
  public void close() {
    process.destroy();
    await();
  }

  private void await() {
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        process.waitFor(5, TimeUnit.SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
