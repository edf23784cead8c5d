package dev.espalier.cli.export;

import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.model.ModelFile;
import dev.espalier.artifacts.pretrained.Pretrained;
import dev.espalier.artifacts.pretrained.Pretrained.Wishes;
import dev.espalier.artifacts.pretrained.PretrainedFiles;
import dev.espalier.onnx.OnnxFile;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** One file of an export. Files appear completely or not at all. */
record ExportedFile(Path path, String sha256, long sizeBytes) {

  static final String ONNX_NAME = "model.onnx";

  /** Writes into an output stream. */
  @FunctionalInterface
  private interface Content {
    void write(OutputStream out) throws IOException;
  }

  /**
   * Writes a model.
   *
   * @param model as {@link ModelFile} writes it
   * @param metadata goes into formats that take some
   */
  static List<ExportedFile> write(
      Path model, Map<String, String> metadata, List<Format> formats, Path directory)
      throws IOException {
    List<ExportedFile> files = new ArrayList<>();
    try (Pretrained opened = Pretrained.open(PretrainedFiles.find(model), Wishes.NONE)) {
      Files.createDirectories(directory);
      if (formats.contains(Format.safetensors)) {
        files.add(file(directory, ModelFile.WEIGHTS_NAME, out -> Files.copy(model, out)));
        byte[] shape = (opened.architecture().toJson() + "\n").getBytes(StandardCharsets.UTF_8);
        files.add(file(directory, ModelFile.ARCHITECTURE_NAME, out -> out.write(shape)));
      }
      if (formats.contains(Format.onnx)) {
        VitWeights weights = opened.weights();
        files.add(file(directory, ONNX_NAME, out -> OnnxFile.write(weights, metadata, out)));
      }
    }
    return files;
  }

  /** Writes a text beside them. */
  static Path replace(Path directory, String name, String text) throws IOException {
    return file(directory, name, out -> out.write(text.getBytes(StandardCharsets.UTF_8))).path();
  }

  private static ExportedFile file(Path directory, String name, Content content)
      throws IOException {
    Path file = directory.resolve(name);
    // Not a temporary file by the JDK, which nobody else could read.
    Path written = directory.resolve("." + name + ".part");
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      try (OutputStream out =
          new DigestOutputStream(
              new BufferedOutputStream(Files.newOutputStream(written), 1 << 16), digest)) {
        content.write(out);
      }
      Files.move(
          written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      return new ExportedFile(file, HexFormat.of().formatHex(digest.digest()), Files.size(file));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    } finally {
      Files.deleteIfExists(written);
    }
  }
}
