package dev.espalier.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every bad sweep: named with field, expected and found, exit code 2, no stack trace. */
class BadInputTest {

  private static final String GOOD =
      """
      name: good
      model: fashion-vit-96x6
      dataset: fashion-mnist-subset
      methods: [{name: magnitude}]
      targets: {macs: [0.5]}
      seeds: [1]
      recipe: {epochs: 1}
      """;

  @TempDir private static Path directory;

  /** A checkout with nothing but the shipped model and images. */
  @BeforeAll
  static void home() throws Exception {
    Path jar = directory.resolve("services/standalone/target/espalier-standalone-run.jar");
    Files.createDirectories(jar.getParent());
    Path resources = Path.of("../standalone/src/main/resources");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
      for (String entry :
          new String[] {
            "models/fashion-vit-96x6.safetensors", "datasets/fashion-mnist-subset.zip"
          }) {
        zip.putNextEntry(new ZipEntry(entry));
        Files.copy(resources.resolve(entry), zip);
        zip.closeEntry();
      }
    }
    System.setProperty("espalier.home", directory.toString());
  }

  static Stream<Arguments> badSweeps() {
    return Stream.of(
        Arguments.of("unknown method", GOOD.replace("magnitude", "magnitud"), "methods[0].name"),
        Arguments.of("unknown field", GOOD + "epochz: 3\n", "epochz"),
        Arguments.of("keep ratio 0", GOOD.replace("0.5", "0"), "targets.macs[0]"),
        Arguments.of("keep ratio 1.5", GOOD.replace("0.5", "1.5"), "targets.macs[0]"),
        Arguments.of("keep ratio text", GOOD.replace("0.5", "half"), "targets.macs[0]"),
        Arguments.of("keep ratio below the floor", GOOD.replace("0.5", "0.001"), "targets.macs[0]"),
        Arguments.of("no seeds", GOOD.replace("seeds: [1]", "seeds: []"), "seeds"),
        Arguments.of("duplicate seeds", GOOD.replace("[1]", "[1, 1]"), "seeds"),
        Arguments.of(
            "unregistered dataset", GOOD.replace("fashion-mnist-subset", "cifar"), "dataset"),
        Arguments.of("0 epochs", GOOD.replace("epochs: 1", "epochs: 0"), "recipe.epochs"),
        Arguments.of("10 MB", "# " + "x".repeat(10 << 20) + "\n" + GOOD, "(the whole text)"),
        Arguments.of("nesting", "a: " + "[".repeat(20_000) + "]".repeat(20_000), "50"),
        Arguments.of("alias bomb", bomb(), "expected"),
        Arguments.of("empty", "", "(the whole text)"));
  }

  private static String bomb() {
    StringBuilder bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 12; i++) {
      String alias = "*a" + (i - 1);
      bomb.append("a%d: &a%d [".formatted(i, i))
          .append((alias + ", ").repeat(9))
          .append(alias)
          .append("]\n");
    }
    return bomb.toString();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badSweeps")
  void isRefusedWithFieldExpectedAndFound(String what, String yaml, String field) throws Exception {
    Run run = plan(yaml);
    assertThat(run.code()).isEqualTo(ExitCode.BAD_INPUT);
    assertThat(run.err())
        .contains(field)
        .contains("expected")
        .contains("found")
        .doesNotContain("\tat ")
        .doesNotContain("Exception");
    assertThat(run.err().length()).isLessThan(5_000);
    assertThat(run.out()).isEmpty();
  }

  @Test
  void everythingThatIsWrongIsSaidAtOnce() throws Exception {
    Run run =
        plan(GOOD.replace("0.5", "1.5").replace("[1]", "[]").replace("epochs: 1", "epochs: 0"));
    assertThat(run.err()).contains("targets.macs[0]").contains("seeds").contains("recipe.epochs");
  }

  @Test
  void isSaidAsJsonWhereAScriptAsks() throws Exception {
    Path file = directory.resolve("sweep.yaml");
    Files.writeString(file, GOOD.replace("0.5", "1.5"));
    Run run = Run.of("plan", file.toString(), "-o", "json", "--data-dir", directory + "/none");
    assertThat(run.code()).isEqualTo(ExitCode.BAD_INPUT);
    assertThat(run.out()).contains("\"violations\"").contains("targets.macs[0]");
  }

  @Test
  void aMissingFileAndADirectoryAreBadInput() {
    assertThat(Run.of("plan", "/no/such/file").code()).isEqualTo(ExitCode.BAD_INPUT);
    assertThat(Run.of("submit", directory.toString()).code()).isEqualTo(ExitCode.BAD_INPUT);
  }

  @Test
  void aBadSweepIsRefusedBeforeAnySchedulerIsAsked() throws Exception {
    Path file = directory.resolve("sweep.yaml");
    Files.writeString(file, GOOD.replace("0.5", "1.5"), StandardCharsets.UTF_8);
    try (FakeScheduler scheduler = new FakeScheduler()) {
      Run run = Run.of("submit", file.toString(), "--server", scheduler.address());
      assertThat(run.code()).isEqualTo(ExitCode.BAD_INPUT);
      assertThat(scheduler.asked).isEmpty();
    }
  }

  @Test
  void theSchedulersViolationsReadTheSame() throws Exception {
    Path file = directory.resolve("sweep.yaml");
    Files.writeString(file, GOOD, StandardCharsets.UTF_8);
    try (FakeScheduler scheduler =
        new FakeScheduler()
            .answer("GET /models/fashion-vit-96x6", 200, "{}")
            .answer("GET /datasets/fashion-mnist-subset", 200, "{}")
            .answer(
                "POST /sweeps",
                400,
                """
                {"violations":[{"field":"dataset","expected":"a registered dataset","found":"\\"x\\""}]}
                """)) {
      Run run = Run.of("submit", file.toString(), "--server", scheduler.address());
      assertThat(run.code()).isEqualTo(ExitCode.BAD_INPUT);
      assertThat(run.err())
          .contains("dataset", "expected  a registered dataset", "found     \"x\"");
    }
  }

  @Test
  void aGoodSweepIsPlannedWithoutAnyService() throws Exception {
    Run run = plan(GOOD);
    assertThat(run.err()).isEmpty();
    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    assertThat(run.out()).contains("1 cell, 1 trial").contains("magnitude, macs 0.5");
  }

  private static Run plan(String yaml) throws Exception {
    Path file = directory.resolve("sweep.yaml");
    Files.writeString(file, yaml, StandardCharsets.UTF_8);
    return Run.of("plan", file.toString(), "--data-dir", directory.resolve("none").toString());
  }
}
