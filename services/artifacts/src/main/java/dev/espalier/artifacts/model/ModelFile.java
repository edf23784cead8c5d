package dev.espalier.artifacts.model;

import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.artifacts.safetensors.Safetensors;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;

/**
 * A model as one safetensors file: weights under timm's names, its shape as JSON under the metadata
 * key {@value #ARCHITECTURE}. For people and other programs the same model is also a directory of
 * {@value #WEIGHTS_NAME} and {@value #ARCHITECTURE_NAME}.
 */
public final class ModelFile {

  /** Metadata key of the shape. */
  public static final String ARCHITECTURE = "espalier.architecture";

  /** Weights in an exported directory. */
  public static final String WEIGHTS_NAME = "model.safetensors";

  /** Shape in an exported directory. */
  public static final String ARCHITECTURE_NAME = "architecture.json";

  private ModelFile() {}

  /** The model as bytes; equal models give equal bytes. */
  public static byte[] write(VitWeights model) {
    Map<String, String> metadata =
        Map.of("format", "pt", ARCHITECTURE, model.architecture().toJson());
    return new Safetensors(metadata, model.tensors()).toBytes();
  }

  /**
   * Reads a model back.
   *
   * @throws MalformedFileException when the bytes are not a model
   */
  public static VitWeights read(byte[] bytes) {
    Safetensors file = Safetensors.fromBytes(bytes);
    return new VitWeights(architecture(file.metadata(ARCHITECTURE)), file.tensors());
  }

  /** Writes the directory form; files appear completely or not at all. */
  public static void export(VitWeights model, Path directory) {
    try {
      Files.createDirectories(directory);
      replace(directory.resolve(WEIGHTS_NAME), write(model));
      replace(
          directory.resolve(ARCHITECTURE_NAME),
          (model.architecture().toJson() + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write the model to " + directory, e);
    }
  }

  /** Reads the directory form; a shape inside the weights' file is not looked at. */
  public static VitWeights load(Path directory) {
    try {
      Safetensors weights =
          Safetensors.fromBytes(Files.readAllBytes(directory.resolve(WEIGHTS_NAME)));
      return new VitWeights(
          architecture(Files.readString(directory.resolve(ARCHITECTURE_NAME))), weights.tensors());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read a model from " + directory, e);
    }
  }

  private static VitArchitecture architecture(String json) {
    try {
      return VitArchitecture.fromJson(json);
    } catch (IllegalArgumentException e) {
      throw new MalformedFileException(
          "the model's architecture is not sound: " + e.getMessage(), e);
    }
  }

  private static void replace(Path file, byte[] bytes) throws IOException {
    Path written = Files.createTempFile(file.toAbsolutePath().getParent(), ".model", null);
    try {
      Files.write(written, bytes);
      Files.move(
          written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(written);
    }
  }
}
