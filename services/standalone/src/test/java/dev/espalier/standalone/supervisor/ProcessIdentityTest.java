package dev.espalier.standalone.supervisor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ProcessIdentityTest {

  @Test
  void aLiveProcessIsItselfUntilItEnds() throws Exception {
    Process sleeping = new ProcessBuilder("sleep", "100").start();
    ProcessIdentity identity = ProcessIdentity.of(sleeping.pid()).orElseThrow();
    assertThat(identity.isRunning()).isTrue();
    sleeping.destroyForcibly().waitFor();
    assertThat(identity.isRunning()).isFalse();
  }

  @Test
  void anotherProcessWithTheSameNumberIsAnother() {
    long pid = ProcessHandle.current().pid();
    assertThat(new ProcessIdentity(pid, "before the last boot/17").isRunning()).isFalse();
  }

  @Test
  void oneThatHasEndedAndWasNotReapedDoesNotRun() throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/self/stat")), "needs /proc");
    Process parent = new ProcessBuilder("sh", "-c", "sleep 0.1 & echo $!; exec sleep 100").start();
    try {
      long zombie = Long.parseLong(parent.inputReader().readLine().strip());
      long deadline = System.nanoTime() + 10_000_000_000L;
      while (ProcessIdentity.of(zombie).isPresent() && System.nanoTime() < deadline) {
        Thread.sleep(20);
      }
      assertThat(Files.readString(Path.of("/proc", "" + zombie, "stat"))).contains(" Z ");
      assertThat(ProcessIdentity.of(zombie)).isEmpty();
    } finally {
      parent.destroyForcibly();
    }
  }
}
