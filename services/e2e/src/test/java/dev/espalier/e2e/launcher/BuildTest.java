package dev.espalier.e2e.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * When the launcher builds, on a small checkout with a Maven that only notes that it was called.
 */
class BuildTest {

  private static final String MAVEN =
      """
      #!/bin/sh
      echo "$@" >> calls
      mkdir -p services/cli/target services/part/target/classes
      touch services/cli/target/espalier-cli.jar services/part/target/classes/Kept.class
      for service in scheduler trainer redistributor evaluator; do
        mkdir -p services/$service/target/quarkus-app
        touch services/$service/target/quarkus-app/quarkus-run.jar
      done
      """;

  @TempDir private Path root;

  private Path home;
  private Path source;

  @BeforeEach
  void checkout() throws IOException {
    home = Files.createDirectories(root.toRealPath().resolve("a checkout"));
    Files.copy(Launcher.root().resolve("espalier"), home.resolve("espalier"));
    assertThat(home.resolve("espalier").toFile().setExecutable(true)).isTrue();
    Path maven = Files.createDirectories(root.resolve("bin")).resolve("mvn");
    Files.writeString(maven, MAVEN);
    assertThat(maven.toFile().setExecutable(true)).isTrue();
    Files.writeString(home.resolve("pom.xml"), "<module>part</module>");
    Files.createDirectories(home.resolve("schemas"));
    source = Files.createDirectories(home.resolve("services/part/src/main")).resolve("One.java");
    Files.writeString(source, "class One {}");
  }

  @Test
  void buildsOnceAndAgainAfterAChange() throws Exception {
    launch();
    launch();
    assertThat(builds()).isEqualTo(1);

    Files.writeString(source.resolveSibling("Two.java"), "class Two {}");
    launch();
    assertThat(builds()).isEqualTo(2);
  }

  @Test
  void leavesNothingOfASourceThatIsGone() throws Exception {
    Files.writeString(source.resolveSibling("Gone.java"), "class Gone {}");
    launch();
    Path stale = Files.createFile(home.resolve("services/part/target/classes/Gone.class"));
    Files.delete(source.resolveSibling("Gone.java"));

    launch();

    assertThat(stale).doesNotExist();
    assertThat(stale.resolveSibling("Kept.class")).exists();
  }

  @Test
  void buildsNothingUnderAnInstallationThatRuns() throws Exception {
    launch();
    Process supervisor =
        new ProcessBuilder(
                "sh", "-c", "sleep 60; :", "x", "--home", home.toString(), "--data-dir", "d")
            .start();
    try {
      Files.writeString(source.resolveSibling("Two.java"), "class Two {}");
      assertThat(launch()).contains("an installation runs on what was built");
      assertThat(builds()).isEqualTo(1);
    } finally {
      supervisor.descendants().forEach(ProcessHandle::destroy);
      supervisor.destroy();
    }
    assertThat(launch()).contains("building Espalier");
    assertThat(builds()).isEqualTo(2);
  }

  private long builds() throws IOException {
    try (var lines = Files.lines(home.resolve("calls"))) {
      return lines.count();
    }
  }

  /** What it says; the command line that it starts in the end is an empty file here. */
  private String launch() throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(home.resolve("espalier").toString(), "list").redirectErrorStream(true);
    Map<String, String> environment = builder.environment();
    environment.put("PATH", root.resolve("bin") + ":" + environment.get("PATH"));
    environment.remove("ESPALIER_BUILD");
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return said;
  }
}
