package dev.espalier.cli.sweep;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.cli.ExitCode;
import dev.espalier.cli.FakeScheduler;
import dev.espalier.cli.Run;
import dev.espalier.cli.registry.Shipped;
import dev.espalier.cli.server.Scheduler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SweepCommandsTest {

  private static final String RESULTS =
      """
      {"sweep":{"id":"3f2a","state":"COMPLETED"},
       "base":{"measurements":{"top1_accuracy":0.87,"macs":36100000,"params":678700}},
       "cells":[
        {"method":"magnitude","redistribution":"none","targetKind":"macs","keepRatio":0.5,
         "trials":1,"succeeded":1,"measurements":{"top1_accuracy":{"mean":0.80,"deviation":0},
         "macs":{"mean":18000000},"speedup_throughput":{"mean":1.9}}},
        {"method":"nvit","redistribution":"smooth","targetKind":"macs","keepRatio":0.5,
         "trials":1,"succeeded":1,"measurements":{"top1_accuracy":{"mean":0.84,"deviation":0},
         "macs":{"mean":18000000}}}],
       "trials":[{"method":"nvit","redistribution":"smooth","targetKind":"macs","keepRatio":0.5,
         "seed":1,"outputs":{"finetune/model":{"sha256":"%s","sizeBytes":10}}}]}
      """
          .formatted("ab".repeat(32));

  private static final String STATUS =
      """
      {"id":"3f2a","name":"demo","state":"COMPLETED","trials":{"total":1,"succeeded":1,"failed":0,
       "cancelled":0},"stages":[],"running":[],"failures":[]}
      """;

  @TempDir Path directory;

  @Test
  void plansWhatNoLiveWorkerCanDo() throws Exception {
    Path file = directory.resolve("sweep.yaml");
    Files.writeString(
        file,
        """
        {name: x, model: fashion-vit-96x6, dataset: fashion-mnist-subset, methods: [magnitude],
         targets: {macs: [0.5]}, seeds: [1], evaluation: {labels: {room: cellar}}}
        """);
    String trainer =
        """
        [{"id": "w", "host": "h", "deviceKind": "cpu", "slots": 1, "labels": {"host": "h"},
          "capabilities": [{"kind": "SEARCH", "algorithm": "magnitude", "version": 1},
            {"kind": "PRUNE", "algorithm": "magnitude", "version": 1},
            {"kind": "FINETUNE", "algorithm": "finetune", "version": 1},
            {"kind": "EVALUATE", "algorithm": "evaluate", "version": 2}]}]
        """;
    try (FakeScheduler scheduler = withModel().answer("GET /workers", 200, trainer)) {
      Run run = Run.of("plan", file.toString(), "--server", scheduler.address());
      assertThat(run.err()).isEmpty();
      assertThat(run.out())
          .contains("no live worker can do", "evaluate evaluate@2 on cpu with room=cellar");
      assertThat(run.out().lines().filter(line -> line.contains("@"))).hasSize(1);
      Run json = Run.of("plan", file.toString(), "--server", scheduler.address(), "-o", "json");
      assertThat(TestJson.read(json.out()).path("unserved").path(0).path("stages").asInt())
          .isEqualTo(1);
    }
    try (FakeScheduler older = withModel()) {
      Run run = Run.of("plan", file.toString(), "--server", older.address());
      assertThat(run.code()).isEqualTo(ExitCode.DONE);
      assertThat(run.out()).doesNotContain("no live worker");
    }
  }

  @Test
  void plansNothingOnImagesThatTheModelDoesNotTake() throws Exception {
    Path file = directory.resolve("sweep.yaml");
    Files.writeString(
        file,
        """
        {name: x, model: fashion-vit-96x6, dataset: cifar100, methods: [magnitude],
         targets: {macs: [0.5]}, seeds: [1]}
        """);
    String summary =
        """
        {"sha256": "%s", "sizeBytes": 1, "summary": {"channels": 3, "imageSize": 32,
         "classes": 100, "images": {"train": 10, "validation": 2, "test": 3}}}
        """
            .formatted("ab".repeat(32));
    try (FakeScheduler scheduler = withModel().answer("GET /datasets/cifar100", 200, summary)) {
      Run run = Run.of("plan", file.toString(), "--server", scheduler.address());
      assertThat(run.code()).isEqualTo(ExitCode.BAD_INPUT);
      assertThat(run.err())
          .contains("dataset", "28 x 28, in 10 classes, as model fashion-vit-96x6 takes")
          .contains("3 channels, 32 x 32, in 100 classes");
    }
  }

  private static FakeScheduler withModel() throws IOException {
    VitArchitecture base = VitArchitecture.uniform(28, 4, 1, 10, 96, 6, 4, 384);
    String digest = "\"sha256\": \"%s\", \"sizeBytes\": 1".formatted("ab".repeat(32));
    return new FakeScheduler()
        .answer(
            "GET /models/fashion-vit-96x6",
            200,
            "{%s, \"architecture\": %s}".formatted(digest, base.toJson()))
        .answer("GET /datasets/fashion-mnist-subset", 200, "{%s}".formatted(digest));
  }

  @Test
  void bringsTheShippedModelAlongWhereNobodyHasRegisteredIt() throws Exception {
    Path file = directory.resolve("sweep.yaml");
    Files.writeString(
        file,
        """
        {name: x, model: fashion-vit-96x6, dataset: mine, methods: [magnitude],
         targets: {macs: [0.5]}, seeds: [1]}
        """);
    Path jar = directory.resolve("services/standalone/target/espalier-standalone-run.jar");
    Files.createDirectories(jar.getParent());
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new ZipEntry(Shipped.MODEL.entry()));
      out.write(7);
    }
    String home = System.getProperty("espalier.home", ".");
    System.setProperty("espalier.home", directory.toString());
    try (FakeScheduler scheduler =
        new FakeScheduler()
            .answer("POST /artifacts", 200, "{\"sha256\": \"abc\"}")
            .answer("PUT /models/fashion-vit-96x6", 200, "{}")
            .answer("POST /sweeps", 202, "{\"sweepId\": \"3f2a\", \"trials\": 1}")) {
      Run run = Run.of("submit", file.toString(), "--server", scheduler.address());
      assertThat(run.out()).isEqualTo("3f2a\n");
      assertThat(run.err()).contains("registered fashion-vit-96x6");
      assertThat(scheduler.asked)
          .containsExactly(
              "GET /models/fashion-vit-96x6",
              "POST /artifacts",
              "PUT /models/fashion-vit-96x6",
              "POST /sweeps");
    } finally {
      System.setProperty("espalier.home", home);
    }
  }

  @Test
  void marksTheParetoFront() {
    assertThat(ResultsTable.lines(TestJson.read(RESULTS)))
        .anySatisfy(line -> assertThat(line).startsWith("*").contains("base").contains("87.0 %"))
        .anySatisfy(line -> assertThat(line).startsWith("*").contains("nvit + smooth"))
        .anySatisfy(line -> assertThat(line).startsWith(" ").contains("magnitude"));
  }

  @Test
  void writesReportAndModelsWithTheirArchitecture() throws Exception {
    byte[] header =
        "{\"__metadata__\":{\"espalier.architecture\":\"{\\\"format\\\":\\\"espalier.vit/1\\\"}\"}}"
            .getBytes();
    byte[] model = new byte[8 + header.length];
    model[0] = (byte) header.length;
    System.arraycopy(header, 0, model, 8, header.length);
    try (FakeScheduler scheduler =
        new FakeScheduler()
            .answer("GET /sweeps/3f2a/results", 200, RESULTS)
            .answer("GET /sweeps/3f2a/report.html", 200, "<html>")
            .answer("GET /sweeps/3f2a/report.csv", 200, "trial")
            .answer("GET /sweeps/3f2a/report.json", 200, "{}")
            .answer("GET /sweeps/3f2a/report.md", 200, "# Evidence\n")
            .answer("GET /artifacts/" + "ab".repeat(32), 200, model)) {
      Run run =
          Run.of("report", "3f2a", "--out", directory.toString(), "--server", scheduler.address());
      assertThat(run.err()).isEmpty();
      assertThat(run.code()).isEqualTo(ExitCode.DONE);
      assertThat(directory.resolve("report.html")).hasContent("<html>");
      Path written = directory.resolve("models/nvit-smooth-macs-0.50-s1");
      assertThat(written.resolve("model.safetensors")).hasBinaryContent(model);
      assertThat(written.resolve("architecture.json")).content().contains("espalier.vit/1");
      assertThat(run.out()).contains(written.resolve("model.safetensors").toString());
      assertThat(directory.resolve("RESULTS.md")).hasContent("# Evidence");
      Run markdown =
          Run.of(
              "report",
              "3f2a",
              "--out",
              directory.toString(),
              "--no-models",
              "--format",
              "markdown",
              "--server",
              scheduler.address());
      assertThat(markdown.out()).isEqualTo("# Evidence\n");
    }
  }

  /** Two cells of one method, as of a scheduler that calls both by its name alone. */
  @Test
  void keepsTheModelsOfOneMethodWithOtherParameters() throws Exception {
    byte[] header = "{\"__metadata__\":{\"espalier.architecture\":\"{}\"}}".getBytes();
    byte[] model = new byte[8 + header.length];
    model[0] = (byte) header.length;
    System.arraycopy(header, 0, model, 8, header.length);
    String trial =
        """
        {"cellId":"%s","method":"magnitude","redistribution":"none","targetKind":"macs",
         "keepRatio":0.5,"seed":%d,"outputs":{"finetune/model":{"sha256":"%s"}}}"""
            .formatted("%s", 1, "ab".repeat(32));
    try (FakeScheduler scheduler =
        new FakeScheduler()
            .answer("GET /sweeps/3f2a/report.html", 200, "<html>")
            .answer("GET /sweeps/3f2a/report.csv", 200, "trial")
            .answer("GET /sweeps/3f2a/report.json", 200, "{}")
            .answer("GET /sweeps/3f2a/report.md", 200, "# Evidence")
            .answer("GET /artifacts/" + "ab".repeat(32), 200, model)) {
      String trials = trial.formatted("c1") + "," + trial.formatted("c2");
      ReportFiles.Written written =
          ReportFiles.write(
              new Scheduler(scheduler.address()),
              "3f2a",
              TestJson.read("{\"trials\":[%s]}".formatted(trials)),
              directory,
              true);
      assertThat(written.models())
          .extracting(path -> path.getFileName().toString())
          .containsExactly("magnitude-macs-0.50-s1", "magnitude-macs-0.50-s1-c2");
      assertThat(written.models()).allSatisfy(path -> assertThat(path).isDirectory());
    }
  }

  @Test
  void theDemoGoesOnToTheNextRunWhereItsSweepWasDeleted() throws Exception {
    Path file = directory.resolve("sweep.yaml");
    Files.writeString(
        file,
        """
        {name: x, model: mine, dataset: ours, methods: [magnitude], targets: {macs: [0.5]},
         seeds: [1]}
        """);
    String deleted =
        """
        {"violations":[{"field":"run","expected":"another run than that of sweep 1a2b, which was\
         deleted","found":"0"}]}""";
    String done = "{\"sweepId\":\"3f2a\",\"state\":\"COMPLETED\",\"attached\":true,\"trials\":1}";
    try (FakeScheduler scheduler =
        new FakeScheduler()
            .answer("POST /sweeps", 400, deleted)
            .answer("POST /sweeps?run=1", 200, done)
            .answer("GET /sweeps/3f2a", 200, STATUS)
            .answer("GET /sweeps/3f2a/results", 200, "{}")
            .answer("GET /sweeps/3f2a/report.html", 200, "<html>")
            .answer("GET /sweeps/3f2a/report.csv", 200, "trial")
            .answer("GET /sweeps/3f2a/report.json", 200, "{}")
            .answer("GET /sweeps/3f2a/report.md", 200, "# Evidence")) {
      String[] demo = {
        "demo",
        "--sweep",
        file.toString(),
        "--server",
        scheduler.address(),
        "--data-dir",
        directory.toString()
      };
      Run run = Run.of(demo);
      assertThat(run.err()).isEmpty();
      assertThat(run.code()).isEqualTo(ExitCode.DONE);
      assertThat(run.out()).contains("sweep   3f2a (x, 1 trial) was run before");
      scheduler.answer("POST /sweeps", 400, deleted.replace("\"run\"", "\"dataset\""));
      assertThat(Run.of(demo).code()).isEqualTo(ExitCode.BAD_INPUT);
    }
  }

  @Test
  void steersASweepAndOneTrialOfIt() throws Exception {
    try (FakeScheduler scheduler =
        new FakeScheduler()
            .answer("POST /sweeps/3f2a/pause", 200, "{\"id\":\"3f2a\",\"state\":\"PAUSED\"}")
            .answer(
                "POST /sweeps/3f2a/trials/t 1/resume",
                200,
                "{\"id\":\"t 1\",\"sweepId\":\"3f2a\",\"state\":\"RUNNING\",\"paused\":false}")
            .answer(
                "POST /sweeps/3f2a/trials/t2/pause",
                200,
                "{\"id\":\"t2\",\"sweepId\":\"3f2a\",\"state\":\"PLANNED\",\"paused\":true}")
            .answer("DELETE /sweeps/3f2a", 204, "")
            .answer("DELETE /sweeps/busy", 409, "{\"error\":\"cancel it first\"}")) {
      String server = scheduler.address();
      assertThat(Run.of("pause", "3f2a", "--server", server).out().strip())
          .isEqualTo("3f2a paused");
      assertThat(Run.of("resume", "3f2a", "--trial", "t 1", "--server", server).out().strip())
          .isEqualTo("t 1 running");
      assertThat(Run.of("pause", "3f2a", "--trial", "t2", "--server", server).out().strip())
          .isEqualTo("t2 planned, paused");
      assertThat(Run.of("delete", "3f2a", "--server", server).out().strip())
          .isEqualTo("3f2a deleted");
      assertThat(Run.of("delete", "busy", "--server", server).err()).contains("cancel it first");
      Run unknown = Run.of("cancel", "3f2a", "--trial", "nope", "--server", server);
      assertThat(unknown.code()).isEqualTo(ExitCode.FAILED);
    }
  }

  @Test
  void anUnknownSweepIsAFailureInOneLine() throws Exception {
    try (FakeScheduler scheduler = new FakeScheduler()) {
      Run run = Run.of("watch", "nope", "--server", scheduler.address());
      assertThat(run.code()).isEqualTo(ExitCode.FAILED);
      assertThat(run.err().lines()).hasSize(1);
    }
  }

  @Test
  void submitPrintsTheIdAloneAndWatchSaysHowItEnded() throws Exception {
    Path file = directory.resolve("sweep.yaml");
    Files.copy(Path.of("../../schemas/examples/smoke.yaml"), file);
    try (FakeScheduler scheduler =
        withModel()
            .answer(
                "POST /sweeps",
                202,
                "{\"sweepId\":\"3f2a\",\"state\":\"ACCEPTED\",\"attached\":false,\"trials\":2}")
            .answer("GET /sweeps/3f2a", 200, STATUS)
            .answer("GET /sweeps/3f2a/results", 200, RESULTS)) {
      Run submit = Run.of("submit", file.toString(), "--server", scheduler.address());
      assertThat(submit.out()).isEqualTo("3f2a" + System.lineSeparator());
      Run watch = Run.of("watch", "3f2a", "--server", scheduler.address());
      assertThat(watch.code()).isEqualTo(ExitCode.DONE);
      assertThat(watch.out()).contains("COMPLETED").contains("nvit + smooth");
      scheduler.answer("GET /sweeps/3f2a", 200, STATUS.replace("\"failed\":0", "\"failed\":1"));
      assertThat(Run.of("watch", "3f2a", "--server", scheduler.address()).code())
          .isEqualTo(ExitCode.FAILED);
    }
  }
}
