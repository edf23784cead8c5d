package dev.espalier.standalone.supervisor;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChildTest {

  @TempDir Path directory;

  private Child child;

  @AfterEach
  void stop() throws InterruptedException {
    if (child != null) {
      child.stop();
      child.awaitStop();
    }
  }

  @Test
  void isReadyOnceItSaysSo() throws Exception {
    start("echo starting; sleep 0.3; echo ready x=1; exec sleep 100", 5);
    await(child::isReady);
    assertThat(child.view().process().isRunning()).isTrue();
  }

  @Test
  void anEarlierLifesWordDoesNotMakeItReady() throws Exception {
    Files.writeString(directory.resolve("child.log"), "ready before\n");
    start("exec sleep 100", 5);
    await(() -> child.view().state() == Child.State.STARTING);
    Thread.sleep(600);
    assertThat(child.isReady()).isFalse();
  }

  @Test
  void isStartedAgainWhenItIsKilled() throws Exception {
    start("echo ready; exec sleep 100", 5);
    await(child::isReady);
    ProcessIdentity first = child.view().process();
    first.kill();
    await(() -> child.isReady() && child.view().restarts() == 1);
    assertThat(child.view().process()).isNotEqualTo(first);
  }

  @Test
  void isHopelessWhenItEndsAgainAndAgainBeforeItIsReady() throws Exception {
    start("exit 7", 5);
    await(() -> child.hopelessAfter(2));
    assertThat(child.view().exitCode()).isEqualTo(7);
  }

  @Test
  void isNotStartedAgainAfterStop() throws Exception {
    start("echo ready; exec sleep 100", 5);
    await(child::isReady);
    ProcessIdentity process = child.view().process();
    child.stop();
    assertThat(child.awaitStop()).isTrue();
    assertThat(process.isRunning()).isFalse();
    assertThat(child.view().state()).isEqualTo(Child.State.STOPPED);
  }

  @Test
  void isKilledWhenItDoesNotStopInItsTime() throws Exception {
    start("trap '' TERM; echo ready; while true; do sleep 0.1; done", 1);
    await(child::isReady);
    ProcessIdentity process = child.view().process();
    child.stop();
    assertThat(child.awaitStop()).isFalse();
    assertThat(process.isRunning()).isFalse();
  }

  @Test
  void doesNotHearTheTerminalsInterrupt() throws Exception {
    start("echo ready; while true; do sleep 0.1; done", 5);
    await(child::isReady);
    ProcessIdentity process = child.view().process();
    new ProcessBuilder("sh", "-c", "kill -INT " + process.pid()).start().waitFor();
    Thread.sleep(400);
    assertThat(process.isRunning()).isTrue();
  }

  @Test
  void anotherProgramsStoreBrokerOrDatabaseIsNotHandedOn() throws Exception {
    Map<String, String> caller = new HashMap<>(System.getenv());
    List<String> others =
        List.of(
            "S3_BUCKET",
            "s3.endpoint",
            "S3_SECRET_ACCESS_KEY",
            "KAFKA_SECURITY_PROTOCOL",
            "KAFKA_SASL_JAAS_CONFIG",
            "QUARKUS_DATASOURCE_JDBC_MAX_SIZE",
            "QUARKUS_FLYWAY_SCHEMAS",
            "ESPALIER_STORE",
            "ESPALIER_MIGRATIONS");
    List<String> wanted =
        List.of(
            "ESPALIER_CHECKPOINT_INTERVAL",
            "ESPALIER_TEAMS_VISION_WEIGHT",
            "ESPALIER_WORKER_LABELS_ROOM",
            "ESPALIER_SECURITY_MODE",
            "AWS_PROFILE",
            "JAVA_TOOL_OPTIONS");
    others.forEach(name -> caller.put(name, "theirs"));
    wanted.forEach(name -> caller.put(name, "kept"));

    start("env; echo ready; exec sleep 100", 5, caller, Map.of("KAFKA_OF_THE_CHILD", "own"));
    await(child::isReady);

    List<String> passed = Files.readAllLines(directory.resolve("child.log"));
    assertThat(passed).noneMatch(line -> line.endsWith("=theirs"));
    assertThat(passed).contains("KAFKA_OF_THE_CHILD=own");
    assertThat(passed).containsAll(wanted.stream().map(name -> name + "=kept").toList());
  }

  private void start(String script, int stopSeconds) {
    start(script, stopSeconds, System.getenv(), Map.of());
  }

  private void start(
      String script, int stopSeconds, Map<String, String> caller, Map<String, String> own) {
    Path log = directory.resolve("child.log");
    child =
        new Child(
            new ChildSpec(
                "child",
                0,
                List.of("/bin/sh", "-c", script),
                own,
                log,
                new Readiness.Line(log),
                Duration.ofSeconds(stopSeconds)),
            caller,
            () -> {});
    child.start();
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
      Thread.sleep(20);
    }
  }
}
