package dev.espalier.artifacts.model;

import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.artifacts.safetensors.SafetensorsHeader;
import dev.espalier.artifacts.safetensors.SafetensorsWriter;
import dev.espalier.artifacts.safetensors.TensorPlace;
import dev.espalier.artifacts.store.ArtifactStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

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

  /** Writes a model whose tensors come one by one; the same bytes as {@link #write(VitWeights)}. */
  public static void write(
      VitArchitecture architecture, Function<String, Tensor> tensors, OutputStream out)
      throws IOException {
    new SafetensorsWriter(
            Map.of("format", "pt", ARCHITECTURE, architecture.toJson()),
            ParameterShapes.of(architecture))
        .write(out, tensors);
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

  /**
   * Reads a model from a store, digest checked, holding no more than one tensor's bytes beside the
   * result.
   *
   * @throws MalformedFileException when the artifact is not a model
   */
  public static VitWeights read(ArtifactStore store, String sha256) {
    try (InputStream stream = store.open(sha256)) {
      Safetensors file = Safetensors.read(stream, store.size(sha256));
      requireEnd(stream);
      return new VitWeights(architecture(file.metadata(ARCHITECTURE)), file.tensors());
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read model " + sha256, e);
    }
  }

  /**
   * Checks a model without keeping it: exactly the tensors of its architecture, in their shapes,
   * with finite values. The stream is read to its end.
   *
   * @param fileBytes length of the file
   * @return the architecture
   * @throws MalformedFileException that names the tensor which does not fit
   */
  public static VitArchitecture check(InputStream stream, long fileBytes) throws IOException {
    SafetensorsHeader header = SafetensorsHeader.read(stream, fileBytes);
    String json = header.metadata().get(ARCHITECTURE);
    if (json == null) {
      throw new MalformedFileException(
          "expected a model whose metadata holds %s but found a safetensors file without it; model add converts checkpoints of timm and transformers"
              .formatted(ARCHITECTURE));
    }
    VitArchitecture architecture = architecture(json);
    Map<String, int[]> shapes = new LinkedHashMap<>(ParameterShapes.of(architecture));
    for (TensorPlace place : header.places()) {
      place.requireReadable();
      int[] shape = shapes.remove(place.name());
      if (shape == null) {
        throw new MalformedFileException(
            "tensor %s has no place in the model's architecture".formatted(place.name()));
      }
      if (!Arrays.equals(shape, place.shape())) {
        throw new MalformedFileException(
            "expected tensor %s to be %s but it is %s"
                .formatted(place.name(), Arrays.toString(shape), Arrays.toString(place.shape())));
      }
    }
    if (!shapes.isEmpty()) {
      throw new MalformedFileException(
          "expected a tensor %s but there is none".formatted(shapes.keySet().iterator().next()));
    }
    for (TensorPlace place : header.places()) {
      requireFinite(place.name(), place.read(stream));
    }
    requireEnd(stream);
    return architecture;
  }

  /** Fails for NaN and infinite weights. */
  public static void requireFinite(String name, Tensor tensor) {
    float[] values = tensor.values();
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new MalformedFileException(
            "expected finite weights in tensor %s but element %d is %s"
                .formatted(name, i, values[i]));
      }
    }
  }

  private static void requireEnd(InputStream stream) throws IOException {
    if (stream.read() >= 0) {
      throw new MalformedFileException("expected the file to end after its last tensor");
    }
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

  /** Reads the JSON of a shape. */
  public static VitArchitecture architecture(String json) {
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
