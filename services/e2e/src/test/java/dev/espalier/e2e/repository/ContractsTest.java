package dev.espalier.e2e.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The contracts under {@code buf}: its standard lint, and no change that breaks a reader of {@code
 * schemas/baseline.binpb}, the contracts of the last release.
 *
 * <p>buf comes from npm by name; where npm is missing or cannot install it, these tests are skipped
 * and say so.
 */
class ContractsTest {

  private static final String BUF = "@bufbuild/buf@1.75.0";

  private static final Path SCHEMAS = Repository.root().resolve("schemas");

  private static Path buf;

  @BeforeAll
  static void installBuf() throws IOException, InterruptedException {
    Path prefix = Repository.root().resolve("services/e2e/target/buf");
    buf = prefix.resolve("node_modules/.bin/buf");
    if (!Files.exists(buf)) {
      Files.createDirectories(prefix);
      Result installed;
      try {
        installed =
            run(
                Repository.root(),
                "npm",
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--prefix",
                prefix.toString(),
                BUF);
      } catch (IOException e) {
        assumeTrue(false, "npm is not installed: buf cannot be had");
        return;
      }
      assumeTrue(installed.exit() == 0, "npm could not install " + BUF + ": " + installed.output());
    }
    unpackImports();
  }

  /** protovalidate's own file, which ours import, lies in its jar. */
  private static void unpackImports() throws IOException {
    String file = "buf/validate/validate.proto";
    Path target = SCHEMAS.resolve("target/buf/imports").resolve(file);
    Files.createDirectories(target.getParent());
    try (InputStream proto = ContractsTest.class.getClassLoader().getResourceAsStream(file)) {
      assertThat(proto).as("%s on the class path", file).isNotNull();
      Files.copy(proto, target, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  @Test
  void theContractsPassBufsStandardLint() throws Exception {
    Result lint = run(SCHEMAS, buf.toString(), "lint");
    assertThat(lint.exit()).as(lint.output()).isZero();
  }

  @Test
  void noContractBreaksAReaderOfTheLastRelease(@TempDir Path directory) throws Exception {
    Path now = directory.resolve("now.binpb");
    Result built = run(SCHEMAS, buf.toString(), "build", "-o", now.toString());
    assertThat(built.exit()).as(built.output()).isZero();
    Result breaking =
        run(SCHEMAS, buf.toString(), "breaking", now.toString(), "--against", "baseline.binpb");
    assertThat(breaking.exit()).as(breaking.output()).isZero();
  }

  @Test
  void aFieldThatChangesItsTypeIsCaught(@TempDir Path directory) throws Exception {
    Path changed = directory.resolve("schemas");
    copy(SCHEMAS.resolve("src/main/proto"), changed.resolve("src/main/proto"));
    copy(SCHEMAS.resolve("target/buf/imports"), changed.resolve("target/buf/imports"));
    Files.copy(SCHEMAS.resolve("buf.yaml"), changed.resolve("buf.yaml"));
    Path sweep = changed.resolve("src/main/proto/espalier/sweep/v1/sweep.proto");
    String before = Files.readString(sweep);
    String after = before.replace("int64 stream_version = 4", "int32 stream_version = 4");
    assertThat(after).isNotEqualTo(before);
    Files.writeString(sweep, after);
    Path now = directory.resolve("changed.binpb");
    assertThat(run(changed, buf.toString(), "build", "-o", now.toString()).exit()).isZero();
    Result breaking =
        run(SCHEMAS, buf.toString(), "breaking", now.toString(), "--against", "baseline.binpb");
    assertThat(breaking.exit()).isNotZero();
    assertThat(breaking.output()).contains("stream_version");
  }

  private static void copy(Path from, Path to) throws IOException {
    List<Path> files = new ArrayList<>();
    try (var walk = Files.walk(from)) {
      walk.filter(Files::isRegularFile).forEach(files::add);
    }
    for (Path file : files) {
      Path target = to.resolve(from.relativize(file).toString());
      Files.createDirectories(target.getParent());
      Files.copy(file, target);
    }
  }

  private record Result(int exit, String output) {}

  private static Result run(Path directory, String... command)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(Arrays.asList(command))
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(120, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException(String.join(" ", command) + " did not end within 120 s: " + output);
    }
    return new Result(process.exitValue(), output);
  }
}
