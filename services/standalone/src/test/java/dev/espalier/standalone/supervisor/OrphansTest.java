package dev.espalier.standalone.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OrphansTest {

  @TempDir Path directory;

  @Test
  void endsTheChildrenThatAKilledSupervisorLeft() throws Exception {
    Process sleeping = new ProcessBuilder("sleep", "100").start();
    Process deaf =
        new ProcessBuilder("sh", "-c", "trap '' TERM; echo on; while true; do sleep 0.1; done")
            .start();
    deaf.inputReader().readLine();
    write(state("scheduler", sleeping.pid()), state("trainer-1", deaf.pid()));
    assertThat(Orphans.end(directory.resolve("state.json"), directory.resolve("cluster")))
        .containsExactly("scheduler", "trainer-1");
    // Java hears of an end a moment after the system does.
    assertThat(sleeping.waitFor(5, TimeUnit.SECONDS)).isTrue();
    assertThat(deaf.waitFor(5, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void sparesAProcessThatGotAnOrphansNumber() throws Exception {
    Process other = new ProcessBuilder("sleep", "100").start();
    try {
      write(
          new State.ChildState(
              "broker", "READY", 1, 0, null, other.pid(), "another start", "broker.log"));
      assertThat(Orphans.end(directory.resolve("state.json"), directory.resolve("cluster")))
          .isEmpty();
      assertThat(other.isAlive()).isTrue();
    } finally {
      other.destroyForcibly();
    }
  }

  @Test
  void sparesAProcessThatAStalePostmasterFileNames() throws Exception {
    Process other = new ProcessBuilder("sleep", "100").start();
    try {
      Path cluster = Files.createDirectories(directory.resolve("cluster"));
      Files.writeString(cluster.resolve("postmaster.pid"), other.pid() + "\n" + cluster + "\n");
      assertThat(Orphans.end(directory.resolve("state.json"), cluster)).isEmpty();
      assertThat(other.isAlive()).isTrue();
    } finally {
      other.destroyForcibly();
    }
  }

  @Test
  void findsNothingInAFreshOrADamagedDirectory() throws Exception {
    Path state = directory.resolve("state.json");
    assertThat(Orphans.end(state, directory.resolve("cluster"))).isEmpty();
    Files.writeString(state, "{\"phase\": ");
    assertThat(Orphans.end(state, directory.resolve("cluster"))).isEmpty();
  }

  private static State.ChildState state(String name, long pid) {
    return new State.ChildState(
        name,
        "READY",
        1,
        0,
        null,
        pid,
        ProcessIdentity.of(pid).orElseThrow().start(),
        name + ".log");
  }

  private void write(State.ChildState... children) throws IOException {
    new State(
            State.Phase.READY,
            "ready",
            1,
            "gone",
            "/",
            "http://127.0.0.1:1",
            "127.0.0.1:2",
            "jdbc:x",
            false,
            List.of(children))
        .write(directory.resolve("state.json"));
  }
}
