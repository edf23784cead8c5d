package dev.espalier.cli.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.cli.BadInput;
import dev.espalier.datasets.ImageFolders;
import dev.espalier.datasets.PackDataset;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

class ImageOptionsTest {

  @Command
  private static final class Add {
    @Mixin private ImageOptions images;
  }

  private static ImageFolders.Request request(String... arguments) {
    Add add = new Add();
    new CommandLine(add).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(arguments);
    return add.images.request(new PackDataset.Request(Path.of("."), "x", 0, 0, 0, 1));
  }

  @Test
  void aCheckpointsOwnMeanAndDeviationCanBeChosen() {
    assertThat(request().moments()).isEmpty();
    assertThat(request("--normalise", "imagenet").moments().orElseThrow())
        .isDeepEqualTo(new double[][] {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}});
    assertThat(request("--normalise", "inception").moments().orElseThrow())
        .isDeepEqualTo(new double[][] {{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}});
    assertThat(request("--normalise", "inception", "--channels", "1").moments().orElseThrow())
        .isDeepEqualTo(new double[][] {{0.5}, {0.5}});
    assertThatThrownBy(() -> request("--normalise", "imagenet", "--channels", "1"))
        .isInstanceOf(BadInput.class)
        .hasMessageContaining("data or inception for images of one channel");
  }
}
