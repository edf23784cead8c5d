package dev.espalier.artifacts.model;

import dev.espalier.architecture.importance.BlockImportance;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.artifacts.safetensors.Safetensors;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a search found out, as safetensors: {@code embedding} (d) and per block {@code
 * blocks.N.heads} (H), {@code .qk} (q), {@code .v} (v), {@code .mlp} (M); the metadata key {@value
 * #KIND} says who scored. Scores are stored as float32.
 */
public final class ImportanceFile {

  /** Metadata key that marks the file; its value names the method and version. */
  public static final String KIND = "espalier.importance";

  private ImportanceFile() {}

  /**
   * The scores as bytes; equal scores give equal bytes.
   *
   * @param scorer method and version, for example {@code magnitude@1}
   */
  public static byte[] write(Importance importance, String scorer) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("embedding", tensor(importance.embedding()));
    for (int l = 0; l < importance.blocks().size(); l++) {
      BlockImportance block = importance.blocks().get(l);
      String name = "blocks." + l + ".";
      tensors.put(name + "heads", tensor(block.heads()));
      tensors.put(name + "qk", tensor(block.qk()));
      tensors.put(name + "v", tensor(block.v()));
      tensors.put(name + "mlp", tensor(block.mlp()));
    }
    return new Safetensors(Map.of(KIND, scorer), tensors).toBytes();
  }

  /**
   * Reads scores back.
   *
   * @throws MalformedFileException when the bytes are not an importance file
   */
  public static Importance read(byte[] bytes) {
    Safetensors file = Safetensors.fromBytes(bytes);
    file.metadata(KIND);
    List<BlockImportance> blocks = new ArrayList<>();
    while (file.tensors().containsKey("blocks." + blocks.size() + ".mlp")) {
      String name = "blocks." + blocks.size() + ".";
      blocks.add(
          new BlockImportance(
              scores(file, name + "heads"),
              scores(file, name + "qk"),
              scores(file, name + "v"),
              scores(file, name + "mlp")));
    }
    int expected = 1 + 4 * blocks.size();
    if (file.tensors().size() != expected) {
      throw new MalformedFileException(
          "expected %d score lists for %d blocks but the file has %d"
              .formatted(expected, blocks.size(), file.tensors().size()));
    }
    return new Importance(scores(file, "embedding"), blocks);
  }

  private static Tensor tensor(double[] scores) {
    float[] values = new float[scores.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) scores[i];
    }
    return new Tensor(new int[] {values.length}, values);
  }

  private static double[] scores(Safetensors file, String name) {
    Tensor tensor = file.tensor(name);
    if (tensor.shape().length != 1) {
      throw new MalformedFileException(
          "expected %s to be a list of scores but it is %s".formatted(name, tensor));
    }
    double[] scores = new double[tensor.values().length];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = tensor.values()[i];
    }
    return scores;
  }
}
