package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The fast engine: one TorchScript program for each architecture, written by {@link VitScript}, so
 * that a forward pass is one call of the library, with its fused attention and optimizer.
 */
public final class TorchScriptVitEngine implements VitEngine {

  private final TensorEngine engine;
  private final Precision precision;
  private final Map<VitArchitecture, Program> programs = new HashMap<>();

  TorchScriptVitEngine(TensorEngine engine, Precision precision) {
    this.engine = engine;
    this.precision = precision;
  }

  private Program program(VitArchitecture architecture) {
    return programs.computeIfAbsent(
        architecture, vit -> new Program(engine.newManager(), VitScript.of(vit, precision)));
  }

  @Override
  public NDArray logits(VitModel model, NDArray images, Gates gates) {
    NDManager owner = images.getManager();
    Program program = program(model.architecture());
    try (GradientMode off = GradientMode.off()) {
      String method = gates.isNone() ? "logits" : "gated_logits";
      Program.Call call =
          program.call(method, owner).with(images).with("p", model.parameters().values());
      if (!gates.isNone()) {
        call.with("g", list(model.architecture(), gates, owner));
      }
      return call.run().singletonOrThrow();
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
        owner.create(
            new double[] {
              objective.labelSmoothing(),
              objective.distillationWeight(),
              objective.distillationTemperature()
            });
    try (GradientMode recording = GradientMode.recording()) {
      String method = gates.isNone() ? "loss" : "gated_loss";
      Program.Call call =
          program(model.architecture())
              .call(method, owner)
              .with(images)
              .with(labels)
              .with(objective.distils() ? teacherLogits : owner.zeros(new Shape(1)))
              .with(numbers)
              .with("p", model.parameters().values());
      if (!gates.isNone()) {
        call.with("g", list(model.architecture(), gates, owner));
      }
      NDList results = call.run();
      NDArray loss = results.get(0);
      TensorEngine.backward(loss);
      return new BatchResult(loss.getFloat(), results.get(1));
    }
  }

  /** Gates in the order of {@link VitScript#gateOrder}, absent ones as 1. */
  private static List<NDArray> list(VitArchitecture vit, Gates gates, NDManager owner) {
    List<NDArray> list = new ArrayList<>();
    list.add(orOnes(gates.embedding(), owner, vit.embedding()));
    list.add(orOnes(gates.keptEmbedding(), owner, vit.embedding()));
    for (int l = 0; l < vit.depth(); l++) {
      BlockShape shape = vit.blocks().get(l);
      Gates.Block gate = gates.block(l);
      list.add(orOnes(gate.branches(), owner, 2));
      list.add(orOnes(gate.heads(), owner, shape.heads()));
      list.add(orOnes(gate.qk(), owner, shape.heads(), shape.qkWidth()));
      list.add(orOnes(gate.v(), owner, shape.heads(), shape.vWidth()));
      list.add(orOnes(gate.mlp(), owner, shape.mlpHidden()));
    }
    return list;
  }

  private static NDArray orOnes(NDArray gate, NDManager owner, long... shape) {
    return gate != null ? gate : owner.ones(new Shape(shape));
  }

  @Override
  public AdamW newOptimizer(VitModel model, AdamWSettings settings) {
    return new FusedAdamW(program(model.architecture()), model, settings);
  }

  @Override
  public void close() {
    programs.values().forEach(Program::close);
    programs.clear();
  }
}
