package dev.espalier.pruning.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The fast engine computes what the reference computes, on blocks of unequal widths. */
class FastEngineTest {

  private static final int BATCH = 6;
  private static final Objective ALL_TERMS = new Objective(0.1, 2.5, 3);

  private NDManager manager;
  private VitEngine reference;
  private VitEngine fast;
  private VitEngine bf16;
  private VitModel expected;
  private VitModel found;
  private NDArray images;
  private NDArray labels;
  private NDArray teacher;

  @BeforeEach
  void open() {
    manager = Engines.TENSORS.newManager();
    reference = Engines.REFERENCE.open();
    fast = Engines.FAST.open();
    bf16 = Engines.FAST_BF16.open();
    expected = VitModel.trainable(Engines.TENSORS, TinyVit.weights(TinyVit.UNEQUAL, 1));
    found = VitModel.trainable(Engines.TENSORS, TinyVit.weights(TinyVit.UNEQUAL, 1));
    SplittableRandom random = new SplittableRandom(2);
    images = manager.create(TinyVit.normal(random, BATCH * 64, 0, 1), new Shape(BATCH, 1, 8, 8));
    labels = manager.create(new long[] {0, 1, 2, 3, 4, 0});
    teacher = manager.create(TinyVit.normal(random, BATCH * 5, 0, 2), new Shape(BATCH, 5));
  }

  @AfterEach
  void close() {
    List.of(expected, found).forEach(VitModel::close);
    List.of(reference, fast, bf16).forEach(VitEngine::close);
    manager.close();
  }

  private Gates gates(boolean gated) {
    return gated ? TinyVit.gates(TinyVit.UNEQUAL, manager, 3) : Gates.NONE;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void givesTheLogitsOfTheReference(boolean gated) {
    ParityTest.assertClose(
        "logits",
        fast.logits(found, images, gates(gated)),
        reference.logits(expected, images, gates(gated)),
        1e-5f);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void givesEveryGradientOfTheReference(boolean gated) {
    VitEngine.BatchResult a =
        reference.backward(expected, images, labels, ALL_TERMS, teacher, gates(gated));
    VitEngine.BatchResult b =
        fast.backward(found, images, labels, ALL_TERMS, teacher, gates(gated));
    assertThat(b.loss()).isCloseTo(a.loss(), within(1e-5f));
    ParityTest.assertClose("logits", b.logits(), a.logits(), 1e-5f);
    for (String name : expected.parameters().keySet()) {
      NDArray gradient = expected.gradient(name, manager);
      float tolerance = 1e-5f * Math.max(1, gradient.abs().max().getFloat());
      ParityTest.assertClose(name, found.gradient(name, manager), gradient, tolerance);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void computesAlikeWithConvolutionsNarrowedBranchesAndDroppedTokens(boolean gated) {
    VitArchitecture varied = TinyVit.VARIED;
    NDArray large =
        manager.create(
            TinyVit.normal(new SplittableRandom(4), BATCH * 256, 0, 1),
            new Shape(BATCH, 1, 16, 16));
    Gates gates = gated ? TinyVit.gates(varied, manager, 3) : Gates.NONE;
    try (VitModel a = VitModel.trainable(Engines.TENSORS, TinyVit.weights(varied, 1));
        VitModel b = VitModel.trainable(Engines.TENSORS, TinyVit.weights(varied, 1))) {
      NDArray wanted = reference.logits(a, large, gates);
      ParityTest.assertClose("logits", fast.logits(b, large, gates), wanted, 1e-5f);
      ParityTest.assertClose(
          "bf16", bf16.logits(b, large, gates), wanted, 0.1f * wanted.abs().max().getFloat());
      reference.backward(a, large, labels, ALL_TERMS, teacher, gates);
      fast.backward(b, large, labels, ALL_TERMS, teacher, gates);
      for (String name : a.parameters().keySet()) {
        if (name.contains("predictor")) {
          continue; // a choice has no gradient
        }
        NDArray gradient = a.gradient(name, manager);
        assertThat(gradient.abs().max().getFloat()).as(name).isPositive();
        float tolerance = 1e-5f * Math.max(1, gradient.abs().max().getFloat());
        ParityTest.assertClose(name, b.gradient(name, manager), gradient, tolerance);
      }
    }
  }

  @Test
  void attendsAlikeOverManyTokensWithTheFusedKernel() {
    VitArchitecture many =
        new VitArchitecture(
            36,
            4,
            1,
            5,
            1,
            12,
            6,
            1e-6,
            List.of(
                new BlockShape(AttentionKind.MSA, 2, 5, 5, 9), TinyVit.UNEQUAL.blocks().get(0)));
    assertThat(many.tokens()).isGreaterThan(VitScript.FEW_TOKENS);
    assertThat(TinyVit.UNEQUAL.tokens()).isLessThan(VitScript.FEW_TOKENS);
    NDArray large =
        manager.create(
            TinyVit.normal(new SplittableRandom(4), 2 * 36 * 36, 0, 1), new Shape(2, 1, 36, 36));
    NDArray classes = manager.create(new long[] {1, 4});
    try (VitModel a = VitModel.trainable(Engines.TENSORS, TinyVit.weights(many, 1));
        VitModel b = VitModel.trainable(Engines.TENSORS, TinyVit.weights(many, 1))) {
      reference.backward(a, large, classes, Objective.CROSS_ENTROPY, null, Gates.NONE);
      fast.backward(b, large, classes, Objective.CROSS_ENTROPY, null, Gates.NONE);
      for (String name : a.parameters().keySet()) {
        NDArray gradient = a.gradient(name, manager);
        float tolerance = 1e-5f * Math.max(1, gradient.abs().max().getFloat());
        ParityTest.assertClose(name, b.gradient(name, manager), gradient, tolerance);
      }
    }
  }

  @Test
  void takesAnySubsetOfTheGates() {
    Gates all = gates(true);
    Gates.Block first = all.blocks().get(0);
    Gates.Block none = Gates.Block.NONE;
    List<Gates> subsets =
        List.of(
            new Gates(all.embedding(), null, List.of()),
            new Gates(null, all.keptEmbedding(), List.of()),
            new Gates(
                null,
                null,
                List.of(
                    none, none, new Gates.Block(null, null, all.blocks().get(2).qk(), null, null))),
            new Gates(
                null,
                null,
                List.of(new Gates.Block(null, first.heads(), null, first.v(), null), none, none)));
    for (Gates subset : subsets) {
      ParityTest.assertClose(
          "logits",
          fast.logits(found, images, subset),
          reference.logits(expected, images, subset),
          1e-5f);
    }
  }

  @Test
  void givesTheGradientsOfGatesThatAskForThem() {
    Gates a = gates(true);
    Gates b = gates(true);
    List<NDArray> wanted =
        List.of(a.blocks().get(0).heads(), a.embedding(), a.blocks().get(2).qk());
    List<NDArray> got = List.of(b.blocks().get(0).heads(), b.embedding(), b.blocks().get(2).qk());
    wanted.forEach(gate -> gate.setRequiresGradient(true));
    got.forEach(gate -> gate.setRequiresGradient(true));
    reference.backward(expected, images, labels, ALL_TERMS, teacher, a);
    fast.backward(found, images, labels, ALL_TERMS, teacher, b);
    for (int i = 0; i < wanted.size(); i++) {
      ParityTest.assertClose(
          "gate " + i, got.get(i).getGradient(), wanted.get(i).getGradient(), 1e-4f);
      assertThat(wanted.get(i).getGradient().abs().max().getFloat()).isPositive();
    }
  }

  @Test
  void walksTheReferencesStepsWithDecayGroupsAndClipping() {
    // A large epsilon: the keys' bias has no gradient but rounding, which Adam would blow up.
    AdamWSettings settings = new AdamWSettings(0.9, 0.999, 1e-3, 0.1, false);
    try (AdamW a = reference.newOptimizer(expected, settings);
        AdamW b = fast.newOptimizer(found, settings)) {
      for (int i = 0; i < 5; i++) {
        reference.backward(expected, images, labels, ALL_TERMS, teacher, Gates.NONE);
        fast.backward(found, images, labels, ALL_TERMS, teacher, Gates.NONE);
        double norm = a.clip(0.5);
        assertThat(norm).isGreaterThan(0.5);
        assertThat(b.clip(0.5)).isCloseTo(norm, within(1e-4 * norm));
        a.step(1e-2);
        b.step(1e-2);
      }
      for (String name : expected.parameters().keySet()) {
        ParityTest.assertClose(name, found.parameter(name), expected.parameter(name), 2e-4f);
      }
    }
  }

  @Test
  void addsGradientsUntilTheyAreZeroed() {
    try (AdamW optimizer = fast.newOptimizer(found, AdamWSettings.withDecay(0))) {
      fast.backward(found, images, labels, Objective.CROSS_ENTROPY, null, Gates.NONE);
      float[] once = found.gradient("head.bias").values();
      fast.backward(found, images, labels, Objective.CROSS_ENTROPY, null, Gates.NONE);
      float[] twice = found.gradient("head.bias").values();
      for (int i = 0; i < once.length; i++) {
        assertThat(twice[i]).isCloseTo(2 * once[i], within(1e-6f));
      }
      optimizer.zeroGradients();
      assertThat(found.gradient("head.bias").values()).containsOnly(0);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void staysNearTheReferenceInBfloat16(boolean gated) {
    NDArray a = reference.logits(expected, images, gates(gated));
    NDArray b = bf16.logits(found, images, gates(gated));
    assertThat(b.getDataType()).isEqualTo(a.getDataType());
    ParityTest.assertClose("logits", b, a, 0.05f * a.abs().max().getFloat());
    reference.backward(expected, images, labels, ALL_TERMS, teacher, gates(gated));
    bf16.backward(found, images, labels, ALL_TERMS, teacher, gates(gated));
    for (String name : expected.parameters().keySet()) {
      NDArray gradient = expected.gradient(name, manager);
      assertThat(found.gradient(name, manager).sub(gradient).norm().getFloat())
          .as(name)
          .isLessThan(0.1f * gradient.norm().getFloat() + 1e-3f);
    }
  }

  @Test
  void leavesNothingBehindWhenTheStepsManagerCloses() {
    int before = found.manager().getManagedArrays().size();
    for (int i = 0; i < 3; i++) {
      try (NDManager step = Engines.TENSORS.newManager()) {
        NDArray batch = images.duplicate();
        batch.attach(step);
        for (VitEngine engine : List.of(reference, fast)) {
          engine.backward(found, batch, labels, Objective.CROSS_ENTROPY, null, gates(true));
        }
      }
    }
    assertThat(found.manager().getManagedArrays()).hasSize(before);
  }
}
