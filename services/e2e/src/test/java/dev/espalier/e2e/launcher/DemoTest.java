package dev.espalier.e2e.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code ./espalier demo} again and again on one data directory, whose path has a space: stopped by
 * Ctrl-C, killed, run to its end, run once more.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DemoTest {

  private static final String SWEEP =
      """
      name: launcher
      model: fashion-vit-96x6
      dataset: fashion-mnist-subset
      methods: [{name: magnitude}]
      targets: {macs: [0.5]}
      seeds: [1]
      recipe: {epochs: 1, batchSize: 64, learningRate: 0.0005}
      evaluation: {batchSize: 32, runs: 3}
      """;

  @TempDir private static Path scratch;

  private static Path data;
  private static Path sweep;
  private static String sweepId;

  @AfterAll
  static void down() throws Exception {
    if (data != null) {
      try (Launcher down = Launcher.start(scratch, "down", "--data-dir", data.toString())) {
        down.exitCode();
      }
    }
  }

  @Test
  @Order(1)
  void picksOtherPortsWhereItsOwnAreTakenAndStopsCleanlyAtCtrlC() throws Exception {
    data = scratch.resolve("data directory");
    sweep = Files.writeString(scratch.resolve("sweep.yaml"), SWEEP);
    try (ServerSocket scheduler = take(7410);
        ServerSocket broker = take(7411);
        Launcher demo = demo()) {
      demo.awaitLine("serving at http://127.0.0.1:");
      assertThat(demo.output()).doesNotContain("127.0.0.1:7410").doesNotContain("127.0.0.1:7411");
      demo.awaitLine("finetune started");
      sweepId = demo.output().replaceAll("(?s).*sweep +([0-9a-f]{16}) \\(launcher.*", "$1");
      assertThat(Launcher.running(data)).contains("supervisor", "postmaster", "trainer-1");
      demo.signal("INT");
      assertThat(demo.exitCode()).isEqualTo(130);
      assertThat(demo.output()).contains("stopped; to go on: espalier demo");
      assertThat(Launcher.running(data)).isEmpty();
    }
  }

  /** Null where someone else has it already, which serves as well. */
  private static ServerSocket take(int port) {
    try {
      return new ServerSocket(port, 1, InetAddress.getLoopbackAddress());
    } catch (java.io.IOException taken) {
      return null;
    }
  }

  @Test
  @Order(2)
  void leavesNothingRunningWhenItIsKilled() throws Exception {
    try (Launcher demo = demo()) {
      demo.awaitLine("goes on").signal("KILL");
      demo.exitCode();
      long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
      while (!Launcher.running(data).isEmpty()) {
        assertThat(System.nanoTime())
            .as("%s end in time", Launcher.running(data))
            .isLessThan(deadline);
        Thread.sleep(100);
      }
    }
  }

  @Test
  @Order(3)
  void goesOnAfterBothAndLeavesReportAndModels() throws Exception {
    try (Launcher demo = demo()) {
      assertThat(demo.exitCode()).as(demo.output()).isZero();
      assertThat(demo.output())
          .contains("sweep   " + sweepId + " (launcher, 1 trial) goes on")
          .contains("model   fashion-vit-96x6 is registered already")
          .containsPattern("\\* +base ")
          .contains("magnitude  macs 0.50")
          .containsPattern("first curve after .*, report after ");
      Path report = data.resolve("reports").resolve(sweepId);
      assertThat(report.resolve("report.html")).content().contains("<svg");
      assertThat(report.resolve("report.csv")).isNotEmptyFile();
      assertThat(report.resolve("report.json")).content().contains(sweepId);
      Path model = report.resolve("models/magnitude-macs-0.50-s1");
      assertThat(model.resolve("model.safetensors")).isNotEmptyFile();
      assertThat(model.resolve("architecture.json")).content().contains("espalier.vit/1");
      assertThat(demo.output()).contains(model.toString());
      assertThat(Launcher.running(data)).isEmpty();
    }
  }

  @Test
  @Order(4)
  void saysWhatItReusedWhenNothingIsLeftToDo() throws Exception {
    try (Launcher demo = demo()) {
      assertThat(demo.exitCode()).as(demo.output()).isZero();
      assertThat(demo.output())
          .contains("was run before")
          .contains("reused: model fashion-vit-96x6, dataset fashion-mnist-subset, all results")
          .doesNotContain("finetune started");
      assertThat(Launcher.running(data)).isEmpty();
    }
  }

  @Test
  @Order(5)
  void refusesABadSweepWithoutStartingAnything() throws Exception {
    Path bad = Files.writeString(scratch.resolve("bad.yaml"), SWEEP.replace("0.5]", "1.5]"));
    Path elsewhere = scratch.resolve("elsewhere");
    try (Launcher demo =
        Launcher.start(
            scratch, "demo", "--sweep", bad.toString(), "--data-dir", elsewhere.toString())) {
      assertThat(demo.exitCode()).isEqualTo(2);
      assertThat(demo.output()).contains("targets.macs[0]").doesNotContain("\tat ");
      assertThat(elsewhere).doesNotExist();
    }
  }

  private static Launcher demo() throws Exception {
    return Launcher.start(
        scratch,
        "demo",
        "--sweep",
        sweep.toString(),
        "--data-dir",
        data.toString(),
        "--trainers",
        "1");
  }
}
