package dev.espalier.pruning.patchslimming;

import dev.espalier.architecture.json.Json;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.safetensors.Safetensors;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where a top-down search stands. As bytes it is a safetensors file: numbers in its metadata, the
 * blocks that were trained and the one in training as tensors. Mutable.
 */
final class SlimmingState {

  private static final String PREFIX = "espalier.patch-slimming.";
  private static final String MEMORY = PREFIX + "memory.";
  private static final String WEIGHTS = "weights/";

  /** Steps made. */
  long steps;

  /** Measurements made to find counts. */
  long allocated;

  /** The block whose mask is looked for; -1 when all are found. */
  int block;

  /** Patches of the candidate. */
  int candidate;

  /** Updates of the block for this candidate. */
  long updates;

  /** Masks of the blocks behind are final. */
  TokenSets sets;

  /** (T) by block but the last; null where not yet scored. */
  final double[][] scores;

  /** Accepted errors by block but the last. */
  final double[] errors;

  /** Of the whole model, as trained so far. */
  final Map<String, Tensor> weights;

  private SlimmingState(VitWeights base) {
    int depth = base.architecture().depth();
    this.block = depth - 2;
    this.sets = TokenSets.all(base.architecture());
    this.scores = new double[depth - 1][];
    this.errors = new double[depth - 1];
    this.weights = new LinkedHashMap<>(base.tensors());
  }

  static SlimmingState start(VitWeights base) {
    return new SlimmingState(base);
  }

  /** Reads {@link #write}. */
  static SlimmingState read(Safetensors file, VitWeights base) {
    SlimmingState state = new SlimmingState(base);
    state.steps = Long.parseLong(file.metadata(PREFIX + "steps"));
    state.allocated = Long.parseLong(file.metadata(PREFIX + "allocated"));
    state.block = Integer.parseInt(file.metadata(PREFIX + "block"));
    state.candidate = Integer.parseInt(file.metadata(PREFIX + "candidate"));
    state.updates = Long.parseLong(file.metadata(PREFIX + "updates"));
    double[] errors = numbers(file.metadata(PREFIX + "errors"));
    System.arraycopy(errors, 0, state.errors, 0, errors.length);
    for (int l = state.scores.length - 1; l >= 0; l--) {
      if (file.metadata().containsKey(PREFIX + "scores." + l)) {
        state.scores[l] = numbers(file.metadata(PREFIX + "scores." + l));
      }
      if (l > state.block) {
        List<Integer> tokens = new ArrayList<>();
        for (double token : numbers(file.metadata(PREFIX + "leaving." + l))) {
          tokens.add((int) token);
        }
        state.sets = state.sets.with(l, tokens);
      }
    }
    file.tensors()
        .forEach(
            (name, tensor) -> {
              if (name.startsWith(WEIGHTS)) {
                state.weights.put(name.substring(WEIGHTS.length()), tensor);
              }
            });
    return state;
  }

  /** What {@link Allocation} remembered in a checkpoint. */
  static Map<String, double[]> memory(Safetensors file) {
    Map<String, double[]> memory = new LinkedHashMap<>();
    file.metadata()
        .forEach(
            (name, text) -> {
              if (name.startsWith(MEMORY)) {
                memory.put(name.substring(MEMORY.length()), numbers(text));
              }
            });
    return memory;
  }

  /**
   * All of it as bytes.
   *
   * @param memory of the allocation
   * @param training state of the pair in training; empty for none
   */
  byte[] write(Map<String, double[]> memory, Map<String, Tensor> training, VitWeights base) {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(PREFIX + "steps", Long.toString(steps));
    metadata.put(PREFIX + "allocated", Long.toString(allocated));
    metadata.put(PREFIX + "block", Integer.toString(block));
    metadata.put(PREFIX + "candidate", Integer.toString(candidate));
    metadata.put(PREFIX + "updates", Long.toString(updates));
    metadata.put(PREFIX + "errors", text(errors));
    for (int l = 0; l < scores.length; l++) {
      if (scores[l] != null) {
        metadata.put(PREFIX + "scores." + l, text(scores[l]));
      }
      if (l > block) {
        double[] tokens = sets.leaving().get(l).stream().mapToDouble(t -> t).toArray();
        metadata.put(PREFIX + "leaving." + l, text(tokens));
      }
    }
    memory.forEach((name, numbers) -> metadata.put(MEMORY + name, text(numbers)));
    Map<String, Tensor> tensors = new LinkedHashMap<>(training);
    weights.forEach(
        (name, tensor) -> {
          if (tensor != base.tensor(name)) {
            tensors.put(WEIGHTS + name, tensor);
          }
        });
    return new Safetensors(metadata, tensors).toBytes();
  }

  /** Shortest decimals that read back to the same bits. */
  private static String text(double[] numbers) {
    return Json.canonical(Arrays.stream(numbers).boxed().toList());
  }

  private static double[] numbers(String text) {
    return ((List<?>) Json.parse(text))
        .stream().mapToDouble(number -> ((Number) number).doubleValue()).toArray();
  }
}
