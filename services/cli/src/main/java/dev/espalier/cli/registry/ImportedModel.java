package dev.espalier.cli.registry;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.artifacts.pretrained.Pretrained;
import dev.espalier.artifacts.pretrained.Pretrained.Wishes;
import dev.espalier.artifacts.pretrained.PretrainedFiles;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.cli.BadInput;
import dev.espalier.cli.CommandFailed;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** A user's model as the file that would be registered; the file goes when this is closed. */
public record ImportedModel(
    VitArchitecture architecture, Path file, String sha256, long sizeBytes, List<String> notes)
    implements AutoCloseable {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Reads all of the model, converts it, and checks it on the way. */
  public static ImportedModel of(Path path, Wishes wishes) {
    Path written = null;
    try {
      try (Pretrained model = Pretrained.open(PretrainedFiles.find(path), wishes)) {
        written = Files.createTempFile("espalier-model", ".safetensors");
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        try (OutputStream out =
            new DigestOutputStream(
                new BufferedOutputStream(Files.newOutputStream(written), 1 << 16), digest)) {
          model.write(out);
        }
        return new ImportedModel(
            model.architecture(),
            written,
            HexFormat.of().formatHex(digest.digest()),
            Files.size(written),
            model.notes());
      }
    } catch (MalformedFileException e) {
      delete(written);
      throw new BadInput("FILE", "a ViT or DeiT as safetensors", e.getMessage());
    } catch (NoSuchFileException e) {
      delete(written);
      throw new BadInput("FILE", "a model file or directory", path + ", which is not there");
    } catch (IOException | UncheckedIOException e) {
      delete(written);
      throw new CommandFailed("cannot read %s: %s".formatted(path, e.getMessage()));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** The members that the scheduler answers for a registered model, but for its name and time. */
  ObjectNode describe() {
    Cost cost = Cost.of(architecture);
    ObjectNode tree = JSON.createObjectNode();
    tree.put("sha256", sha256);
    tree.put("sizeBytes", sizeBytes);
    tree.put("params", cost.params());
    tree.put("macs", cost.macs());
    try {
      tree.set("architecture", JSON.readTree(architecture.toJson()));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("canonical JSON is JSON", e);
    }
    ModelText.notes(tree, notes);
    return tree;
  }

  @Override
  public void close() {
    delete(file);
  }

  private static void delete(Path file) {
    try {
      if (file != null) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      System.err.println("left behind: " + file);
    }
  }
}
