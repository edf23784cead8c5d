package dev.espalier.pruning.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.Augmentation;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Mixing;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.TestDevice;
import dev.espalier.pruning.engine.Objective;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitInitializer;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingRunTest {

  private static final TensorEngine TENSORS = TensorEngine.start(TestDevice.settings());
  private static final VitArchitecture VIT =
      new VitArchitecture(
          8,
          4,
          1,
          3,
          1,
          16,
          8,
          1e-6,
          Collections.nCopies(2, new BlockShape(AttentionKind.MSA, 2, 8, 8, 32)));
  private static final ImageDataset STRIPES = stripes();

  /** Four batches an epoch, the last one smaller, with augmentation. */
  private static TrainingRecipe recipe(int epochs, double distillation, Precision precision) {
    return new TrainingRecipe(
        epochs,
        16,
        3e-3,
        0.05,
        1,
        0.1,
        1,
        distillation,
        2,
        Augmentation.CROP_FLIP,
        precision,
        1,
        7);
  }

  private static TrainingRecipe withoutAugmentation(int epochs) {
    return new TrainingRecipe(
        epochs, 16, 3e-3, 0.05, 1, 0.1, 1, 0, 2, Augmentation.NONE, Precision.FP32, 1, 7);
  }

  /** Three classes told apart by the row of a bright stripe, under noise. */
  private static ImageDataset stripes() {
    SplittableRandom random = new SplittableRandom(5);
    return new ImageDataset(
        "stripes",
        1,
        8,
        3,
        List.of(0.3),
        List.of(0.3),
        split(random, 58),
        split(random, 30),
        split(random, 30));
  }

  private static Split split(SplittableRandom random, int size) {
    byte[] images = new byte[size * 64];
    int[] labels = new int[size];
    for (int i = 0; i < size; i++) {
      labels[i] = i % 3;
      for (int p = 0; p < 64; p++) {
        boolean bright = p / 8 / 2 == labels[i] + (labels[i] == 2 ? 1 : 0);
        images[i * 64 + p] = (byte) (random.nextInt(60) + (bright ? 180 : 0));
      }
    }
    return new Split(images, labels);
  }

  private static VitWeights fresh(long seed) {
    return VitInitializer.weights(VIT, seed);
  }

  private static VitWeights train(TrainingRecipe recipe, TrainingObserver observer) {
    try (VitEngine engine = VitEngine.fast(TENSORS, recipe.precision());
        VitModel teacher = VitModel.frozen(TENSORS, fresh(9));
        VitModel model = VitModel.trainable(TENSORS, fresh(1));
        TrainingRun run =
            TrainingRun.of(TENSORS, engine, model, STRIPES, recipe)
                .teacher(teacher)
                .observer(observer)
                .start()) {
      assertThat(run.run(() -> false)).isEqualTo(TrainingRun.Outcome.FINISHED);
      return model.weights();
    }
  }

  @Test
  void learnsToTellStripesApart() {
    List<Evaluation> seen = new ArrayList<>();
    List<Double> rates = new ArrayList<>();
    train(
        withoutAugmentation(15),
        new TrainingObserver() {
          @Override
          public void onStep(
              long step, long total, double loss, double rate, double norm, double speed) {
            assertThat(step).isEqualTo(rates.size() + 1L).isLessThanOrEqualTo(total);
            assertThat(speed).isPositive();
            rates.add(rate);
          }

          @Override
          public void onEpoch(int epoch, Evaluation validation) {
            seen.add(validation);
            assertThat(epoch).isEqualTo(seen.size());
          }
        });
    assertThat(seen).hasSize(15);
    assertThat(seen.get(14).top1Accuracy()).isGreaterThan(0.9);
    assertThat(seen.get(14).top5Accuracy()).isEqualTo(1);
    assertThat(seen.get(14).images()).isEqualTo(30);
    assertThat(rates).hasSize(60);
    assertThat(rates.get(0)).isCloseTo(3e-3 / 4, within(1e-12));
    assertThat(Collections.max(rates)).isCloseTo(3e-3, within(1e-12));
    assertThat(rates.get(59)).isLessThan(1e-4);
  }

  @ParameterizedTest
  @EnumSource
  void resumesBitEqualToARunThatWasNeverStopped(Precision precision) {
    TrainingRecipe recipe = recipe(3, 2, precision);
    VitWeights whole = train(recipe, TrainingObserver.NONE);
    for (int stop : new int[] {0, 1, 5, 8, 12}) {
      byte[] checkpoint = stopAt(recipe, stop);
      assertThat(resume(recipe, checkpoint)).as("stopped at %d", stop).isEqualTo(whole.tensors());
    }
  }

  private static byte[] stopAt(TrainingRecipe recipe, int step) {
    try (VitEngine engine = VitEngine.fast(TENSORS, recipe.precision());
        VitModel teacher = VitModel.frozen(TENSORS, fresh(9));
        VitModel model = VitModel.trainable(TENSORS, fresh(1));
        TrainingRun run =
            TrainingRun.of(TENSORS, engine, model, STRIPES, recipe).teacher(teacher).start()) {
      TrainingRun.Outcome outcome = run.run(() -> run.steps() == step);
      assertThat(outcome)
          .isEqualTo(
              step < run.totalSteps() ? TrainingRun.Outcome.STOPPED : TrainingRun.Outcome.FINISHED);
      TrainingCheckpoint checkpoint = run.checkpoint();
      byte[] bytes = checkpoint.toBytes();
      assertThat(TrainingCheckpoint.fromBytes(bytes)).isEqualTo(checkpoint);
      return bytes;
    }
  }

  /** Everything that is drawn: RandAugment, mixup or CutMix by batch, erased boxes. */
  private static TrainingRecipe mixed(long seed) {
    return new TrainingRecipe(
        2,
        16,
        3e-3,
        0.05,
        1,
        0.1,
        1,
        0.5,
        2,
        Augmentation.RAND_AUGMENT,
        Precision.FP32,
        1,
        seed,
        new Mixing(0.8, 1, 0.25));
  }

  @Test
  void resumesBitEqualWithMixedBatches() {
    VitWeights whole = train(mixed(7), TrainingObserver.NONE);
    for (int stop : new int[] {1, 4, 6}) {
      byte[] checkpoint = stopAt(mixed(7), stop);
      assertThat(resume(mixed(7), checkpoint)).as("stopped at %d", stop).isEqualTo(whole.tensors());
    }
    assertThat(train(mixed(8), TrainingObserver.NONE).tensors()).isNotEqualTo(whole.tensors());
  }

  @Test
  void sharesOfClassesAreALossOfBothEngines() {
    float[] shares = {0.7f, 0.3f, 0, 0, 0.5f, 0.5f};
    Objective objective = new Objective(0.1, 0, 1);
    double[] losses = new double[2];
    for (int e = 0; e < 2; e++) {
      try (VitEngine engine =
              e == 0 ? VitEngine.reference() : VitEngine.fast(TENSORS, Precision.FP32);
          VitModel model = VitModel.trainable(TENSORS, fresh(1));
          NDManager manager = TENSORS.newManager()) {
        NDArray images = manager.create(STRIPES.batch(STRIPES.train(), new int[] {0, 1}));
        losses[e] =
            engine
                .backward(
                    model,
                    images.reshape(2, 1, 8, 8),
                    manager.create(shares, new Shape(2, 3)),
                    objective,
                    null,
                    Gates.NONE)
                .loss();
      }
    }
    assertThat(losses[1]).isCloseTo(losses[0], within(1e-5));
    assertThat(losses[0]).isBetween(0.5, 3.0);
  }

  private static Map<String, Tensor> resume(TrainingRecipe recipe, byte[] checkpoint) {
    try (VitEngine engine = VitEngine.fast(TENSORS, recipe.precision());
        VitModel teacher = VitModel.frozen(TENSORS, fresh(9));
        VitModel model = VitModel.trainable(TENSORS, fresh(123));
        TrainingRun run =
            TrainingRun.of(TENSORS, engine, model, STRIPES, recipe)
                .teacher(teacher)
                .resume(TrainingCheckpoint.fromBytes(checkpoint))) {
      run.run(() -> false);
      return model.weights().tensors();
    }
  }

  @Test
  void repeatsItselfUnderTheSameSeedOnly() {
    TrainingRecipe recipe = recipe(1, 0, Precision.FP32);
    VitWeights once = train(recipe, TrainingObserver.NONE);
    assertThat(train(recipe, TrainingObserver.NONE).tensors()).isEqualTo(once.tensors());
    TrainingRecipe other =
        new TrainingRecipe(
            1, 16, 3e-3, 0.05, 1, 0.1, 1, 0, 2, Augmentation.CROP_FLIP, Precision.FP32, 1, 8);
    assertThat(train(other, TrainingObserver.NONE).tensors()).isNotEqualTo(once.tensors());
  }

  @Test
  void givesTheSameBitsInSeveralThreadsAtOnce() throws Exception {
    TrainingRecipe recipe = recipe(3, 2, Precision.FP32);
    VitWeights alone = train(recipe, TrainingObserver.NONE);
    ExecutorService threads = Executors.newFixedThreadPool(3);
    try {
      List<Future<VitWeights>> runs = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        runs.add(threads.submit(() -> train(recipe, TrainingObserver.NONE)));
      }
      for (Future<VitWeights> run : runs) {
        assertThat(run.get().tensors()).isEqualTo(alone.tensors());
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void letsAHookReadGradientsChangeTheLossAndMaskWeights() {
    List<String> calls = new ArrayList<>();
    TrainingHook hook =
        new TrainingHook() {
          @Override
          public Objective objective(TrainingRun run, Objective recipe) {
            calls.add("objective");
            return recipe.withDistillationWeight(0);
          }

          @Override
          public void afterBackward(TrainingRun run) {
            calls.add("backward");
            assertThat(run.model().gradient("head.weight").values()).isNotEqualTo(new float[48]);
          }

          @Override
          public void afterStep(TrainingRun run) {
            calls.add("step");
            assertThat(run.model().gradient("head.weight").values()).containsOnly(0);
            run.model().mask("head.weight", run.model().parameter("norm.weight").zerosLike());
          }

          @Override
          public Map<String, Tensor> state() {
            return Map.of("seen", new Tensor(new int[] {1}, new float[] {calls.size()}));
          }
        };
    try (VitEngine engine = VitEngine.fast(TENSORS, Precision.FP32);
        VitModel model = VitModel.trainable(TENSORS, fresh(1));
        VitModel teacher = VitModel.frozen(TENSORS, fresh(9));
        TrainingRun run =
            TrainingRun.of(TENSORS, engine, model, STRIPES, recipe(2, 1, Precision.FP32))
                .teacher(teacher)
                .hook(hook)
                .start()) {
      run.step();
      assertThat(model.parameter("head.weight").abs().max().getFloat()).isZero();
      assertThat(calls).containsExactly("objective", "backward", "step");
      TrainingCheckpoint checkpoint = TrainingCheckpoint.fromBytes(run.checkpoint().toBytes());
      assertThat(checkpoint.hookState().get("seen").values()).containsExactly(3);
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY})
  void stopsBeforeAnUpdateThatIsNotFinite(float poison) {
    try (VitEngine engine = VitEngine.fast(TENSORS, Precision.FP32);
        VitModel model = VitModel.trainable(TENSORS, fresh(1));
        TrainingRun run =
            TrainingRun.of(TENSORS, engine, model, STRIPES, recipe(2, 0, Precision.FP32)).start()) {
      run.step();
      model.set("head.bias", new Tensor(new int[] {3}, new float[] {0, poison, 0}));
      Map<String, Tensor> before = model.weights().tensors();
      assertThatThrownBy(run::step)
          .isInstanceOf(DivergedException.class)
          .hasMessageContaining("step 1");
      assertThat(model.weights().tensors()).isEqualTo(before);
    }
  }

  @Test
  void refusesACheckpointOfAnotherArchitectureAndDamagedBytes() {
    byte[] bytes = stopAt(recipe(3, 0, Precision.FP32), 2);
    VitArchitecture wider =
        new VitArchitecture(
            8,
            4,
            1,
            3,
            1,
            16,
            8,
            1e-6,
            Collections.nCopies(3, new BlockShape(AttentionKind.MSA, 2, 8, 8, 32)));
    try (VitEngine engine = VitEngine.fast(TENSORS, Precision.FP32);
        VitModel model = VitModel.trainable(TENSORS, VitInitializer.weights(wider, 1))) {
      TrainingRun.Builder builder =
          TrainingRun.of(TENSORS, engine, model, STRIPES, recipe(3, 0, Precision.FP32));
      assertThatThrownBy(() -> builder.resume(TrainingCheckpoint.fromBytes(bytes)))
          .hasMessageContaining("another architecture");
    }
    byte[] cut = Arrays.copyOf(bytes, bytes.length / 2);
    assertThatThrownBy(() -> TrainingCheckpoint.fromBytes(cut))
        .isInstanceOf(RuntimeException.class);
  }
}
