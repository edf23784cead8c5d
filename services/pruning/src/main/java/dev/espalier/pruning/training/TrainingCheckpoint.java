package dev.espalier.pruning.training;

import dev.espalier.architecture.weights.Tensor;
import dev.espalier.artifacts.safetensors.MalformedFileException;
import dev.espalier.artifacts.safetensors.Safetensors;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A training at rest between two updates. As bytes it is a safetensors file, its tensors named
 * {@code weights/..}, {@code first/..}, {@code second/..} and {@code hook/..}; floats are kept by
 * their bits.
 *
 * @param step updates made
 * @param updates updates the optimizer counted
 * @param weights by timm name
 * @param firstMoments likewise
 * @param secondMoments likewise
 * @param hookState what the run's hook gave
 */
public record TrainingCheckpoint(
    long step,
    long updates,
    Map<String, Tensor> weights,
    Map<String, Tensor> firstMoments,
    Map<String, Tensor> secondMoments,
    Map<String, Tensor> hookState) {

  private static final String STEP = "espalier.checkpoint.step";
  private static final String UPDATES = "espalier.checkpoint.updates";

  public TrainingCheckpoint {
    weights = Collections.unmodifiableMap(new LinkedHashMap<>(weights));
    firstMoments = Collections.unmodifiableMap(new LinkedHashMap<>(firstMoments));
    secondMoments = Collections.unmodifiableMap(new LinkedHashMap<>(secondMoments));
    hookState = Collections.unmodifiableMap(new LinkedHashMap<>(hookState));
    if (step < 0 || updates < 0) {
      throw new IllegalArgumentException("steps must be at least 0 but are " + step);
    }
    if (!weights.keySet().equals(firstMoments.keySet())
        || !weights.keySet().equals(secondMoments.keySet())) {
      throw new IllegalArgumentException("weights and moments must have the same names");
    }
  }

  public byte[] toBytes() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    weights.forEach((name, tensor) -> tensors.put("weights/" + name, tensor));
    firstMoments.forEach((name, tensor) -> tensors.put("first/" + name, tensor));
    secondMoments.forEach((name, tensor) -> tensors.put("second/" + name, tensor));
    hookState.forEach((name, tensor) -> tensors.put("hook/" + name, tensor));
    Map<String, String> metadata =
        Map.of(STEP, Long.toString(step), UPDATES, Long.toString(updates));
    return new Safetensors(metadata, tensors).toBytes();
  }

  /**
   * Reads a checkpoint back.
   *
   * @throws MalformedFileException when the bytes are not a sound checkpoint
   */
  public static TrainingCheckpoint fromBytes(byte[] bytes) {
    Safetensors file = Safetensors.fromBytes(bytes);
    try {
      return new TrainingCheckpoint(
          Long.parseLong(file.metadata(STEP)),
          Long.parseLong(file.metadata(UPDATES)),
          group(file, "weights/"),
          group(file, "first/"),
          group(file, "second/"),
          group(file, "hook/"));
    } catch (IllegalArgumentException e) {
      throw new MalformedFileException("expected a training checkpoint: " + e.getMessage());
    }
  }

  private static Map<String, Tensor> group(Safetensors file, String prefix) {
    Map<String, Tensor> group = new LinkedHashMap<>();
    file.tensors()
        .forEach(
            (name, tensor) -> {
              if (name.startsWith(prefix)) {
                group.put(name.substring(prefix.length()), tensor);
              }
            });
    return group;
  }
}
