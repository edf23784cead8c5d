package dev.espalier.artifacts.pretrained;

import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.json.JsonException;
import dev.espalier.architecture.json.JsonObject;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What {@code config.json} says beside a checkpoint, in the spelling of transformers or timm. It
 * holds what the weights do not show: how many heads there are, and the epsilon of the layer norms.
 */
record CheckpointConfig(Optional<Integer> heads, Optional<Double> layerNormEpsilon, String name) {

  static final CheckpointConfig NONE =
      new CheckpointConfig(Optional.empty(), Optional.empty(), "config.json");

  private static final long MAX_BYTES = 1 << 20;
  private static final int MAX_HEADS = 1024;

  /** Reads the file; an absent one says nothing. */
  static CheckpointConfig read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return NONE;
    }
    if (Files.size(file) > MAX_BYTES) {
      throw new MalformedFileException(
          "expected %s to have at most %d bytes".formatted(file.getFileName(), MAX_BYTES));
    }
    try {
      return of(Json.parseObject(Files.readString(file)), file.getFileName().toString());
    } catch (JsonException | java.nio.charset.CharacterCodingException e) {
      throw new MalformedFileException("config.json: " + e.getMessage(), e);
    }
  }

  private static CheckpointConfig of(JsonObject config, String name) {
    JsonObject arguments = config.has("model_args") ? config.object("model_args") : config;
    for (String activation : List.of("hidden_act", "act_layer")) {
      for (JsonObject tree : List.of(config, arguments)) {
        if (tree.has(activation) && !tree.text(activation).equals("gelu")) {
          throw new MalformedFileException(
              "config.json: expected %s \"gelu\" but found \"%s\""
                  .formatted(activation, tree.text(activation)));
        }
      }
    }
    Optional<Integer> heads = Optional.empty();
    for (String spelling : List.of("num_attention_heads", "num_heads", "heads")) {
      for (JsonObject tree : List.of(config, arguments)) {
        if (heads.isEmpty() && tree.has(spelling)) {
          heads = Optional.of(tree.count(spelling));
        }
      }
    }
    heads.ifPresent(
        count -> {
          if (count < 1 || count > MAX_HEADS) {
            throw new MalformedFileException(
                "config.json: expected 1..%d heads but found %d".formatted(MAX_HEADS, count));
          }
        });
    Optional<Double> epsilon =
        config.has("layer_norm_eps")
            ? Optional.of(config.number("layer_norm_eps"))
            : Optional.empty();
    return new CheckpointConfig(heads, epsilon, name);
  }
}
