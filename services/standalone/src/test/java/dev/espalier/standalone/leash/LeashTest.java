package dev.espalier.standalone.leash;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class LeashTest {

  @Test
  void aProcessEndsWhenItsParentsEndOfThePipeIsGone() throws Exception {
    Process held = start("5000");
    held.getOutputStream().close();
    assertThat(held.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(held.exitValue()).isEqualTo(143);
  }

  @Test
  void aProcessWhoseCleanUpHangsIsHaltedAfterItsGrace() throws Exception {
    Process held = start("300", "hang");
    held.getOutputStream().close();
    assertThat(held.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(held.exitValue()).isEqualTo(143);
  }

  @Test
  void whateverTheParentWritesIsNoEnd() throws Exception {
    Process held = start("100");
    held.getOutputStream().write("go on".getBytes());
    held.getOutputStream().flush();
    assertThat(held.waitFor(500, TimeUnit.MILLISECONDS)).isFalse();
    held.destroyForcibly().waitFor();
  }

  private static Process start(String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.add(Held.class.getName());
    command.addAll(List.of(arguments));
    Process held =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    assertThat(held.inputReader().readLine()).isEqualTo("held");
    return held;
  }
}
