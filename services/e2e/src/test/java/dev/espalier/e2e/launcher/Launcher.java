package dev.espalier.e2e.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** One call of {@code ./espalier}, as a user makes it, on what this build has packaged. */
final class Launcher implements AutoCloseable {

  private static final Duration PATIENCE = Duration.ofMinutes(6);

  private final Process process;
  private final Path output;

  private Launcher(Process process, Path output) {
    this.process = process;
    this.output = output;
  }

  static Launcher start(Path scratch, String... words) throws IOException {
    Path root = root();
    // Where the tests themselves run in the background, Ctrl-C would be ignored by all below them.
    List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT"));
    command.add(root.resolve("espalier").toString());
    command.addAll(List.of(words));
    Path output = Files.createTempFile(scratch, "launcher", ".out");
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .directory(scratch.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile());
    // A build inside the build would wait for itself.
    builder.environment().put("ESPALIER_BUILD", "skip");
    return new Launcher(builder.start(), output);
  }

  /** The checkout: the first directory above with the launcher. */
  static Path root() {
    return Stream.iterate(Path.of("").toAbsolutePath(), Path::getParent)
        .takeWhile(directory -> directory != null)
        .filter(directory -> Files.isRegularFile(directory.resolve("espalier")))
        .findFirst()
        .orElseThrow();
  }

  String output() throws IOException {
    return Files.readString(output, StandardCharsets.UTF_8);
  }

  Launcher awaitLine(String text) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!output().contains(text)) {
      assertThat(process.isAlive()).as("runs on to \"%s\":%n%s", text, output()).isTrue();
      assertThat(System.nanoTime()).as("in time for %s:%n%s", text, output()).isLessThan(deadline);
      Thread.sleep(100);
    }
    return this;
  }

  void signal(String name) throws Exception {
    new ProcessBuilder("sh", "-c", "kill -" + name + " " + process.pid()).start().waitFor();
  }

  int exitCode() throws Exception {
    assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
        .as("ends:%n%s", output())
        .isTrue();
    return process.exitValue();
  }

  /** Names of the children that run on the data directory, by the supervisor's own record. */
  static List<String> running(Path data) throws IOException {
    Path state = data.resolve("run/state.json");
    List<String> running = new ArrayList<>();
    if (Files.exists(state)) {
      JsonNode tree = new ObjectMapper().readTree(Files.readString(state));
      for (JsonNode child : tree.path("children")) {
        if (child.hasNonNull("pid") && isAlive(child.path("pid").asLong())) {
          running.add(child.path("name").asText());
        }
      }
      if (isAlive(tree.path("pid").asLong())) {
        running.add("supervisor");
      }
    }
    Path postmaster = data.resolve("postgres/cluster/postmaster.pid");
    if (Files.exists(postmaster)
        && isAlive(Long.parseLong(Files.readAllLines(postmaster).get(0).strip()))) {
      running.add("postmaster");
    }
    return running;
  }

  /** A process that has ended and was not collected by anyone does not live. */
  private static boolean isAlive(long pid) throws IOException {
    Path stat = Path.of("/proc", Long.toString(pid), "stat");
    try {
      return Files.exists(stat) && !Files.readString(stat).contains(") Z ");
    } catch (IOException gone) {
      return false;
    }
  }

  @Override
  public void close() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(90, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
  }
}
