package dev.espalier.cli.registry;

import dev.espalier.artifacts.pretrained.Pretrained.Wishes;
import dev.espalier.cli.BadInput;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What a user knows better than a checkpoint, or wants otherwise. */
public final class CheckpointOptions {

  @Option(
      names = "--heads",
      paramLabel = "N",
      description = "Attention heads. Default: config.json's, else width / 64.")
  private Integer heads;

  @Option(
      names = "--layer-norm-epsilon",
      paramLabel = "E",
      description = "Default: config.json's, else 1e-6 for timm, 1e-12 for transformers.")
  private Double layerNormEpsilon;

  @Option(
      names = "--classes",
      paramLabel = "N",
      description = "Start a new classifier where the checkpoint has another number of classes.")
  private Integer classes;

  @Option(
      names = "--image-size",
      paramLabel = "N",
      description = "Resample the position embeddings for images of that size.")
  private Integer imageSize;

  public Wishes wishes() {
    within("--heads", heads, 1024);
    within("--classes", classes, 100_000);
    within("--image-size", imageSize, 4096);
    if (layerNormEpsilon != null && !(layerNormEpsilon > 0 && layerNormEpsilon < 1)) {
      throw new BadInput(
          "--layer-norm-epsilon", "a number in (0, 1)", String.valueOf(layerNormEpsilon));
    }
    return new Wishes(
        Optional.ofNullable(heads),
        Optional.ofNullable(layerNormEpsilon),
        Optional.ofNullable(classes),
        Optional.ofNullable(imageSize));
  }

  /** For models that need no such wishes: refuses any that was given. */
  public void refuse(String expected) {
    Map<String, Object> given = new LinkedHashMap<>();
    given.put("--heads", heads);
    given.put("--layer-norm-epsilon", layerNormEpsilon);
    given.put("--classes", classes);
    given.put("--image-size", imageSize);
    given.forEach(
        (option, value) -> {
          if (value != null) {
            throw new BadInput(option, expected, value.toString());
          }
        });
  }

  private static void within(String option, Integer value, int most) {
    if (value != null && (value < 1 || value > most)) {
      throw new BadInput(option, "a whole number in 1.." + most, String.valueOf(value));
    }
  }
}
