package dev.espalier.pruning.patchslimming;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.engine.AdamW;
import dev.espalier.pruning.engine.AdamWSettings;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.training.DivergedException;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Block l under a candidate for its mask, and block l + 1 under its final one: how far their output
 * is from the unpruned model's, and the training of block l that brings it closer ({@code
 * methods/patch-slimming.md} §4). What comes in is the unpruned model's Z_{l-1}; block l + 1 is
 * frozen and passes the gradient on.
 */
final class BlockPair implements AutoCloseable {

  private static final String TRAINED = "blocks.0.";

  private final TensorEngine tensors;
  private final Calibration calibration;
  private final int block;
  private final List<Integer> read;
  private final List<Integer> all;
  private final VitEngine engine;
  private final VitModel model;
  private final AdamW optimizer;

  /**
   * A pair of blocks.
   *
   * @param weights of the whole model, as trained so far
   * @param sets block l's is the candidate
   */
  BlockPair(
      TensorEngine tensors,
      Calibration calibration,
      Map<String, Tensor> weights,
      TokenSets sets,
      int block) {
    this.tensors = tensors;
    this.calibration = calibration;
    this.block = block;
    this.read = sets.leaving().get(block + 1);
    this.all = IntStream.range(0, sets.base().tokens()).boxed().toList();
    VitArchitecture pair = sets.pair(block);
    Map<String, Tensor> own = new LinkedHashMap<>();
    ParameterShapes.of(pair).keySet().forEach(name -> own.put(name, weights.get(original(name))));
    this.engine = VitEngine.reference();
    this.model = VitModel.frozen(tensors, new VitWeights(pair, own));
    model
        .parameters()
        .forEach((name, array) -> array.setRequiresGradient(name.startsWith(TRAINED)));
    this.optimizer = engine.newOptimizer(model, AdamWSettings.withDecay(0));
  }

  /** Name in the whole model. */
  private String original(String name) {
    return name.startsWith(TRAINED)
        ? "blocks." + block + "." + name.substring(TRAINED.length())
        : name.replace("blocks.1.", "blocks." + (block + 1) + ".");
  }

  /**
   * One update of block l.
   *
   * @param step for the message when numbers are no longer finite
   * @return the loss before it: mean squared error over tokens, channels and images
   */
  double train(int[] places, double learningRate, double clipNorm, long step) {
    double loss;
    try (NDManager batch = tensors.newManager();
        GradientMode recording = GradientMode.recording()) {
      NDArray gap = gap(batch, places);
      NDArray mean = gap.mul(gap).mean();
      TensorEngine.backward(mean);
      loss = mean.getFloat();
    }
    double norm = optimizer.clip(clipNorm);
    if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
      throw new DivergedException(step, loss, norm);
    }
    optimizer.step(learningRate);
    return loss;
  }

  /** E: mean squared error over tokens, channels and all images. */
  double error() {
    double sum = 0;
    long count = 0;
    for (int b = 0; b < calibration.batches(); b++) {
      try (NDManager batch = tensors.newManager();
          GradientMode off = GradientMode.off()) {
        NDArray gap = gap(batch, calibration.batch(b)).toType(DataType.FLOAT64, false);
        sum += gap.mul(gap).sum().getDouble();
        count += gap.size();
      }
    }
    return sum / count;
  }

  /** Z_{l+1} of the pair less the unpruned model's, on what block l + 1 lets out, (B, K, d). */
  private NDArray gap(NDManager batch, int[] places) {
    NDArray entered = calibration.features(batch, block - 1, places, all);
    VitForward forward = new VitForward(model, Gates.NONE, (name, value) -> {});
    NDArray left = forward.block(1, forward.block(0, entered));
    return left.sub(calibration.features(batch, block + 1, places, read));
  }

  /** The trained block, by names in the whole model. */
  Map<String, Tensor> trained() {
    return named(model.parameters());
  }

  /** Gradients of both blocks that are there, by names in the whole model. */
  Map<String, Tensor> gradients() {
    Map<String, Tensor> gradients = new LinkedHashMap<>();
    model
        .parameters()
        .forEach(
            (name, array) -> {
              if (array.hasGradient()) {
                gradients.put(original(name), model.gradient(name));
              }
            });
    return gradients;
  }

  private Map<String, Tensor> named(Map<String, NDArray> arrays) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    arrays.forEach(
        (name, array) -> {
          if (name.startsWith(TRAINED)) {
            tensors.put(original(name), VitModel.host(array));
          }
        });
    return tensors;
  }

  /** Block and moments, for a checkpoint. */
  Map<String, Tensor> state() {
    Map<String, Tensor> state = new LinkedHashMap<>();
    trained().forEach((name, tensor) -> state.put("pair/" + name, tensor));
    named(optimizer.firstMoments()).forEach((name, m) -> state.put("first/" + name, m));
    named(optimizer.secondMoments()).forEach((name, v) -> state.put("second/" + name, v));
    return state;
  }

  /** Takes {@link #state} back after that many updates. */
  void restore(Map<String, Tensor> state, long updates) {
    model
        .parameters()
        .forEach(
            (name, array) -> {
              if (name.startsWith(TRAINED)) {
                VitModel.assign(array, state.get("pair/" + original(name)));
                VitModel.assign(
                    optimizer.firstMoments().get(name), state.get("first/" + original(name)));
                VitModel.assign(
                    optimizer.secondMoments().get(name), state.get("second/" + original(name)));
              }
            });
    optimizer.restoreSteps(updates);
  }

  @Override
  public void close() {
    optimizer.close();
    model.close();
    engine.close();
  }
}
