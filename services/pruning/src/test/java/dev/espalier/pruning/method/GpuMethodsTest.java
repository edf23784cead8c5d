package dev.espalier.pruning.method;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.Augmentation;
import dev.espalier.pruning.OnGpu;
import dev.espalier.pruning.PruningMethods;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.training.Evaluation;
import dev.espalier.pruning.training.TrainingObserver;
import dev.espalier.pruning.training.TrainingRecipe;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every method on a GPU: search, plan, cut equal to its mask, and an epoch of finetuning. */
@OnGpu
class GpuMethodsTest {

  private static final VitWeights BASE = TinyVit.weights(TrainedTinyVit.SHAPE, 21);

  static List<String> methods() {
    return PruningMethods.ALL.stream().map(method -> method.descriptor().name()).toList();
  }

  @ParameterizedTest
  @MethodSource("methods")
  void cutsWhatItsMaskSaysAndFinetunes(String name) {
    double keepRatio = name.equals("base-extra-epochs") ? 1 : 0.8;
    VitWeights cut = PrunedAgainTest.cut(BASE, PruningMethods.get(name), keepRatio);

    for (Precision precision : Precision.values()) {
      List<Double> losses = new ArrayList<>();
      TrainingRecipe recipe =
          new TrainingRecipe(
              1, 32, 1e-3, 0.05, 0, 0, 1, 0.5, 2, Augmentation.NONE, precision, 1, 0);
      try (VitEngine engine = VitEngine.fast(TrainedTinyVit.TENSORS, precision);
          VitModel teacher = VitModel.frozen(TrainedTinyVit.TENSORS, BASE);
          VitModel model = VitModel.trainable(TrainedTinyVit.TENSORS, cut);
          TrainingRun run =
              TrainingRun.of(TrainedTinyVit.TENSORS, engine, model, TrainedTinyVit.DATASET, recipe)
                  .teacher(teacher)
                  .observer(into(losses))
                  .start()) {
        run.run(() -> false);
        assertThat(model.parameter("head.weight").getDevice())
            .isEqualTo(TrainedTinyVit.TENSORS.device());
      }
      assertThat(losses).hasSize(20);
      assertThat(losses.get(19)).as("last loss in %s", precision).isLessThan(losses.get(0));
    }
  }

  private static TrainingObserver into(List<Double> losses) {
    return new TrainingObserver() {
      @Override
      public void onStep(
          long step, long total, double loss, double rate, double norm, double imagesPerSecond) {
        losses.add(loss);
      }

      @Override
      public void onEpoch(int epoch, Evaluation validation) {}
    };
  }
}
