package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.HostArrays;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The fast engine: one TorchScript program for each architecture and set of gates, written by
 * {@link VitScript}, so that a forward pass is one call of the library, with its fused attention
 * and optimizer.
 */
public final class TorchScriptVitEngine implements VitEngine {

  private final TensorEngine engine;
  private final Precision precision;
  private final Map<Key, Program> programs = new HashMap<>();

  /** What a program is written for. */
  private record Key(VitArchitecture architecture, List<String> gates) {}

  TorchScriptVitEngine(TensorEngine engine, Precision precision) {
    this.engine = engine;
    this.precision = precision;
  }

  private Program program(VitArchitecture architecture, Collection<String> gates) {
    return programs.computeIfAbsent(
        new Key(architecture, List.copyOf(gates)),
        key ->
            new Program(
                engine.newManager(),
                VitScript.of(key.architecture(), precision, engine.device().isGpu(), key.gates())));
  }

  @Override
  public NDArray logits(VitModel model, NDArray images, Gates gates) {
    Map<String, NDArray> present = VitScript.list(gates);
    try (GradientMode off = GradientMode.off()) {
      return program(model.architecture(), present.keySet())
          .call("logits", images.getManager())
          .with(images)
          .with("p", model.parameters().values())
          .with("g", present.values())
          .run()
          .singletonOrThrow();
    }
  }

  @Override
  public BatchResult backward(
      VitModel model,
      NDArray images,
      NDArray labels,
      Objective objective,
      NDArray teacherLogits,
      Gates gates) {
    NDManager owner = images.getManager();
    NDArray numbers =
        HostArrays.numbers(
            owner,
            objective.labelSmoothing(),
            objective.distillationWeight(),
            objective.distillationTemperature());
    Map<String, NDArray> present = VitScript.list(gates);
    try (GradientMode recording = GradientMode.recording()) {
      NDList results =
          program(model.architecture(), present.keySet())
              .call("loss", owner)
              .with(images)
              .with(labels)
              .with(objective.distils() ? teacherLogits : owner.zeros(labels.getShape()))
              .with(numbers)
              .with("p", model.parameters().values())
              .with("g", present.values())
              .run();
      NDArray loss = results.get(0);
      TensorEngine.backward(loss);
      return new BatchResult(loss.getFloat(), results.get(1));
    }
  }

  @Override
  public AdamW newOptimizer(VitModel model, Map<String, NDArray> others, AdamWSettings settings) {
    return new FusedAdamW(program(model.architecture(), List.of()), model, others, settings);
  }

  @Override
  public void close() {
    programs.values().forEach(Program::close);
    programs.clear();
  }
}
