package dev.espalier.artifacts.pretrained;

import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The files of a model that somebody brings.
 *
 * @param weights safetensors
 * @param config {@code config.json}, which need not be there
 * @param architecture text of {@code architecture.json}, where our own export wrote one
 */
public record PretrainedFiles(Path weights, Path config, Optional<String> architecture) {

  private static final String CONFIG_NAME = "config.json";
  private static final List<String> USUAL_NAMES =
      List.of(ModelFile.WEIGHTS_NAME, "weights.safetensors");
  private static final long MAX_ARCHITECTURE_BYTES = 4 << 20;

  /** Finds them: a file with what lies beside it, or a directory with one set of weights. */
  public static PretrainedFiles find(Path path) throws IOException {
    Path weights = Files.isDirectory(path) ? inDirectory(path) : path;
    if (!Files.isRegularFile(weights)) {
      throw new NoSuchFileException(path.toString());
    }
    Path shape = weights.resolveSibling(ModelFile.ARCHITECTURE_NAME);
    Optional<String> architecture = Optional.empty();
    if (Files.isRegularFile(shape)
        && weights.getFileName().toString().equals(ModelFile.WEIGHTS_NAME)) {
      if (Files.size(shape) > MAX_ARCHITECTURE_BYTES) {
        throw new MalformedFileException(
            "expected %s of at most %d bytes"
                .formatted(ModelFile.ARCHITECTURE_NAME, MAX_ARCHITECTURE_BYTES));
      }
      architecture = Optional.of(Files.readString(shape));
    }
    return new PretrainedFiles(weights, weights.resolveSibling(CONFIG_NAME), architecture);
  }

  private static Path inDirectory(Path directory) throws IOException {
    for (String name : USUAL_NAMES) {
      if (Files.isRegularFile(directory.resolve(name))) {
        return directory.resolve(name);
      }
    }
    try (Stream<Path> files = Files.list(directory)) {
      List<Path> found =
          files
              .filter(file -> file.getFileName().toString().endsWith(".safetensors"))
              .sorted()
              .toList();
      if (found.size() == 1) {
        return found.get(0);
      }
      throw new MalformedFileException(
          "expected %s or one other .safetensors file in %s but found %s"
              .formatted(
                  ModelFile.WEIGHTS_NAME,
                  directory,
                  found.isEmpty()
                      ? "none"
                      : found.stream()
                          .map(file -> file.getFileName().toString())
                          .collect(Collectors.joining(", "))));
    }
  }
}
