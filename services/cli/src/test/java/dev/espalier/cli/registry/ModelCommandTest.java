package dev.espalier.cli.registry;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.cli.ExitCode;
import dev.espalier.cli.FakeScheduler;
import dev.espalier.cli.Run;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelCommandTest {

  private static final Path PARITY = Path.of("../pruning/src/test/resources/parity");

  @TempDir Path directory;

  @Test
  void showsWhatACheckpointHolds() {
    Run run = Run.of("model", "show", PARITY.resolve("hf-vit/weights.safetensors").toString());

    assertThat(run.code()).isEqualTo(ExitCode.DONE);
    assertThat(run.out())
        .contains("images  32x32x3 in patches of 8, 7 classes, class token")
        .contains("note: 3 heads, as config.json says");
  }

  @Test
  void countsAsJson() {
    Run run =
        Run.of(
            "model", "show", PARITY.resolve("timm-deit-distilled").toString(), "--output", "json");

    assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.DONE);
    // Parameters of the file itself.
    assertThat(run.out()).contains("\"params\" : 95626").contains("\"macs\" : ");
  }

  @Test
  void addsACheckpointUnderItsDirectorysName() throws Exception {
    try (FakeScheduler scheduler =
        new FakeScheduler()
            .answer("POST /artifacts", 201, "{\"sha256\":\"abc\"}")
            .answer("PUT /models/hf-vit", 201, "{\"name\":\"hf-vit\",\"sha256\":\"abc\"}")) {
      Run run =
          Run.of(
              "model",
              "add",
              PARITY.resolve("hf-vit/weights.safetensors").toString(),
              "--server",
              scheduler.address());

      assertThat(run.code()).as(run.err()).isEqualTo(ExitCode.DONE);
      assertThat(run.out()).contains("note: 3 heads").contains("registered abc as hf-vit");
    }
  }

  @Test
  void namesWhatDoesNotFit() throws Exception {
    Path gray = directory.resolve("gray.safetensors");
    Files.copy(PARITY.resolve("timm-gray28/weights.safetensors"), gray);

    Run headless = Run.of("model", "show", gray.toString());
    assertThat(headless.code()).isEqualTo(ExitCode.BAD_INPUT);
    assertThat(headless.err()).contains("head count").doesNotContain("\tat ");
    Run wrong = Run.of("model", "show", gray.toString(), "--heads", "5");
    assertThat(wrong.err()).contains("blocks.0.attn.qkv.weight");
    assertThat(Run.of("model", "show", gray.toString(), "--heads", "4").code())
        .isEqualTo(ExitCode.DONE);
    Run none = Run.of("model", "show", gray.toString(), "--heads", "0");
    assertThat(none.code()).isEqualTo(ExitCode.BAD_INPUT);
    Files.write(gray, new byte[] {1, 2, 3});
    Run broken = Run.of("model", "show", gray.toString());
    assertThat(broken.code()).isEqualTo(ExitCode.BAD_INPUT);
    assertThat(broken.err()).contains("safetensors");
  }
}
