package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** AdamW as the library's fused kernel, one call for the decayed and one for the spared. */
final class FusedAdamW extends AdamWState {

  private final Program program;
  private final List<String> decayed;
  private final List<String> spared;

  FusedAdamW(Program program, VitModel model, AdamWSettings settings) {
    super(model, settings);
    this.program = program;
    this.decayed = model.parameters().keySet().stream().filter(this::decays).toList();
    this.spared = model.parameters().keySet().stream().filter(n -> !decays(n)).toList();
  }

  @Override
  public double clip(double maxNorm) {
    try (NDManager scratch = manager.newSubManager();
        GradientMode off = GradientMode.off()) {
      List<String> names = new ArrayList<>(model.parameters().keySet());
      return program
          .call("clip", scratch)
          .with("g", arrays(names, name -> model.gradient(name, scratch)))
          .with(scratch.create(new double[] {maxNorm}))
          .run()
          .singletonOrThrow()
          .getFloat();
    }
  }

  @Override
  public void step(double learningRate) {
    steps++;
    update(decayed, learningRate, settings.weightDecay());
    update(spared, learningRate, 0);
    zeroGradients();
  }

  private void update(List<String> names, double learningRate, double weightDecay) {
    if (names.isEmpty()) {
      return;
    }
    try (NDManager scratch = manager.newSubManager();
        GradientMode off = GradientMode.off()) {
      double[] numbers = {
        learningRate, settings.beta1(), settings.beta2(), weightDecay, settings.epsilon()
      };
      program
          .call("adamw", scratch)
          .with("p", arrays(names, model::parameter))
          .with("g", arrays(names, name -> model.gradient(name, scratch)))
          .with("m", arrays(names, firstMoments()::get))
          .with("v", arrays(names, secondMoments()::get))
          .with(scratch.full(new Shape(), steps))
          .with(scratch.create(numbers))
          .run();
    }
  }

  private static List<NDArray> arrays(List<String> names, Function<String, NDArray> array) {
    return names.stream().map(array).toList();
  }
}
