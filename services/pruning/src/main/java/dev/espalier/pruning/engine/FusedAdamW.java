package dev.espalier.pruning.engine;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.HostArrays;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** AdamW as the library's fused kernel, one call for parameters of the same rate and decay. */
final class FusedAdamW extends AdamWState {

  private final Program program;

  FusedAdamW(Program program, VitModel model, Map<String, NDArray> others, AdamWSettings settings) {
    super(model, others, settings);
    this.program = program;
  }

  /** Parameters that are updated in one call. */
  private record Group(double learningRate, double weightDecay) {}

  @Override
  public double clip(double maxNorm) {
    try (NDManager scratch = manager.newSubManager();
        GradientMode off = GradientMode.off()) {
      List<String> names = reached(scratch);
      return program
          .call("clip", scratch)
          .with("g", arrays(names, name -> gradient(name, scratch)))
          .with(HostArrays.numbers(scratch, maxNorm))
          .run()
          .singletonOrThrow()
          .getFloat();
    }
  }

  @Override
  public void step(ToDoubleFunction<String> learningRates) {
    steps++;
    Map<Group, List<String>> groups = new LinkedHashMap<>();
    try (NDManager scratch = manager.newSubManager()) {
      for (String name : reached(scratch)) {
        double learningRate = learningRates.applyAsDouble(name);
        if (learningRate >= 0) {
          groups
              .computeIfAbsent(
                  new Group(learningRate, decays(name) ? settings.weightDecay() : 0),
                  group -> new ArrayList<>())
              .add(name);
        }
      }
    }
    groups.forEach(this::update);
    zeroGradients();
  }

  private void update(Group group, List<String> names) {
    try (NDManager scratch = manager.newSubManager();
        GradientMode off = GradientMode.off()) {
      double[] numbers = {
        group.learningRate(),
        settings.beta1(),
        settings.beta2(),
        group.weightDecay(),
        settings.epsilon()
      };
      program
          .call("adamw", scratch)
          .with("p", arrays(names, parameters::get))
          .with("g", arrays(names, name -> gradient(name, scratch)))
          .with("m", arrays(names, firstMoments()::get))
          .with("v", arrays(names, secondMoments()::get))
          .with(scratch.full(new Shape(), steps))
          .with(HostArrays.numbers(scratch, numbers))
          .run();
    }
  }

  private static List<NDArray> arrays(List<String> names, Function<String, NDArray> array) {
    return names.stream().map(array).toList();
  }
}
