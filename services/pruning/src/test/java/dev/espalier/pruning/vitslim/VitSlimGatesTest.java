package dev.espalier.pruning.vitslim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.sparsity.GateRanking;
import dev.espalier.pruning.sparsity.GateRanking.Site;
import dev.espalier.pruning.sparsity.GateTraining;
import dev.espalier.pruning.sparsity.GateTrials;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the gates compute, {@code methods/vit-slim.md} §9 and §11. */
class VitSlimGatesTest {

  private static final VitArchitecture SHAPE = TrainedTinyVit.SHAPE;
  private static final VitSlimGates GATES = VitSlimTest.gates(Map.of());

  /** §9.1. */
  @Test
  void openGatesAreTheBaseAndTanhOf3IsAlmost() {
    float[] base = logits(TrainedTinyVit.weights(), null);

    assertThat(GateTrials.distance(logits(TrainedTinyVit.weights(), same(1)), base))
        .isLessThan(1e-6f);
    Map<String, Tensor> start = same(1);
    start.forEach(
        (name, gate) -> {
          if (name.endsWith(".tokens")) {
            Arrays.fill(gate.values(), (float) Math.tanh(3));
          }
        });
    assertThat(GateTrials.distance(logits(TrainedTinyVit.weights(), start), base))
        .isBetween(1e-4f, 0.5f);
  }

  /** §9.6. */
  @ParameterizedTest
  @ValueSource(strings = {"per-channel", "per-head", "uniform"})
  void foldedWeightsComputeWhatGatesOnChannelsDo(String form) {
    VitSlimGates gates = VitSlimTest.gates(Map.of("gates", form, "tokenGates", false));
    Map<String, Tensor> values = GateTrials.values(gates, 4);

    float[] soft = logits(gates, TrainedTinyVit.weights(), values);

    float[] folded = logits(gates.fold(TrainedTinyVit.weights(), values), null);
    assertThat(GateTrials.distance(folded, soft)).isLessThan(1e-5f);
    assertThat(GateTrials.distance(logits(TrainedTinyVit.weights(), null), soft))
        .isGreaterThan(1e-2f);
  }

  /** §9.13, §11 a: queries, keys and values are gated. */
  @Test
  void aGateGoesIntoQueriesKeysAndValues() {
    VitArchitecture one =
        new VitArchitecture(2, 2, 1, 1, 1, 3, 2, 1e-6, List.of(BlockShape.msa(1, 2, 2, 1)));
    Map<String, Tensor> tensors = new LinkedHashMap<>(TinyVit.weights(one, 1).tensors());
    tensors.put(
        "blocks.0.attn.qkv.bias", new Tensor(new int[] {6}, new float[] {1, 2, 3, 1, 4, -2}));
    VitSlimGates gates = new VitSlimGates(one, VitSlimTest.settings(Map.of()));
    Map<String, Tensor> values = GateTrials.values(gates, 1);
    values.put(VitSlimGates.attention(0), new Tensor(new int[] {1, 2}, new float[] {0.5f, 1}));

    float[] row =
        gates.fold(new VitWeights(one, tensors), values).tensor("blocks.0.attn.qkv.bias").values();

    assertThat((row[0] * row[2] + row[1] * row[3]) / Math.sqrt(2))
        .isEqualTo(1.944544, within(1e-6));
    assertThat((1 * 3 + 2 * 1) / Math.sqrt(2)).isEqualTo(3.535534, within(1e-6));
    assertThat(new float[] {row[4], row[5]}).containsExactly(2, -2);
  }

  /** §9.3, §11 b; T = 3 with two prefix tokens and one patch. */
  @Test
  void thePenaltyIsTheWeightedSumOfSizesAndHasItsSlope() {
    VitArchitecture one =
        new VitArchitecture(2, 2, 1, 1, 2, 4, 3, 1e-6, List.of(BlockShape.msa(1, 3, 3, 4)));
    VitSlimGates set = new VitSlimGates(one, VitSlimTest.settings(Map.of()));
    try (VitModel model = VitModel.trainable(TrainedTinyVit.TENSORS, TinyVit.weights(one, 1));
        GateTraining gates = new GateTraining(set, 1, model)) {
      set(gates, VitSlimGates.attention(0), new int[] {1, 3}, 1, 0.5f, -0.2f);
      set(gates, VitSlimGates.mlp(0), new int[] {4}, 1, 1, 0.1f, 0);
      set(gates, VitSlimGates.tokens(0), new int[] {3}, 3, 0, -1);
      assertThat(gates.penalty()).isEqualTo(6.206649e-4, within(1e-9));
      assertThat(gates.negative()).isEqualTo(2);

      GateTrials.withoutLoss(gates);
      gates.afterBackward(null);

      assertThat(slopes(gates, VitSlimGates.attention(0))[2]).isEqualTo(-2e-4f, within(1e-9f));
      assertThat(slopes(gates, VitSlimGates.tokens(0))[0]).isEqualTo(9.866e-7f, within(1e-9f));
      assertThat(slopes(gates, VitSlimGates.mlp(0))[3]).isZero();
    }
  }

  /** §9.2: the cross entropy alone reaches all three types. */
  @Test
  void everyGateLearnsWithoutAPenalty() {
    Map<String, Object> none = Map.of("attentionPenalty", 0, "mlpPenalty", 0, "tokenPenalty", 0);
    GateTrials.assertAStepMovesEveryGate(new VitSlim(), VitSlimTest.gates(none));
  }

  /** §9.2: a type without a penalty keeps the gradient of the loss alone. */
  @Test
  void onlyThePenalisedTypeGetsAPenalty() {
    VitSlimGates set =
        new VitSlimGates(SHAPE, VitSlimTest.settings(Map.of("mlpPenalty", 0, "tokenPenalty", 0)));
    try (VitModel model = VitModel.trainable(TrainedTinyVit.TENSORS, TrainedTinyVit.weights());
        GateTraining gates = new GateTraining(set, 1, model)) {
      GateTrials.withoutLoss(gates);
      gates.afterBackward(null);
      assertThat(slopes(gates, VitSlimGates.attention(0))).containsOnly(2e-4f);
      assertThat(slopes(gates, VitSlimGates.mlp(0))).containsOnly(0);
      assertThat(slopes(gates, VitSlimGates.tokens(0))).containsOnly(0);
    }
  }

  /** §2: with tanh on all, all start at 3 before it. */
  @Test
  void tanhOnAllStartsEverywhereAt3() {
    VitSlimGates all = VitSlimTest.gates(Map.of("tanh", "all"));
    assertThat(all.shapes().keySet()).allMatch(name -> all.bounded(name) && all.initial(name) == 3);
    assertThat(GATES.initial(VitSlimGates.mlp(0))).isEqualTo(1);
    assertThat(GATES.bounded(VitSlimGates.mlp(0))).isFalse();
    assertThat(GATES.bounded(VitSlimGates.tokens(0))).isTrue();
  }

  /** §11 c. */
  @Test
  void ranksBySignOrBySize() {
    double[] pool = {1.1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, -0.2, -0.95};
    double[] sizes = Arrays.stream(pool).map(Math::abs).toArray();
    assertThat(fallen(pool, 0.7)).containsExactly(0.3, -0.2, -0.95);
    assertThat(fallen(sizes, 0.7)).containsExactly(0.4, 0.3, 0.2);
    assertThat(fallen(pool, 0.9)).containsExactly(-0.95);
  }

  private static List<Double> fallen(double[] pool, double budget) {
    double[] shares = GateRanking.fallsAt(List.of(new Site("all", pool))).get(0);
    double gone = GateRanking.removed(1 - budget, pool.length) / (double) pool.length;
    List<Double> fallen = new ArrayList<>();
    for (int i = 0; i < pool.length; i++) {
      if (shares[i] <= gone) {
        fallen.add(pool[i]);
      }
    }
    return fallen;
  }

  /** §11 d; the class token is forced by whoever drops. */
  @Test
  void nestsTokensByEitherRule() {
    List<double[]> raw =
        List.of(new double[] {1, 1, 0, 0}, new double[] {1, 0, 1, 0}, new double[] {1, 0, 1, 0});
    assertThat(Nesting.of("or-backward").nested(raw))
        .containsExactly(
            new double[] {1, 1, 1, 0}, new double[] {1, 0, 1, 0}, new double[] {1, 0, 1, 0});
    assertThat(Nesting.of("and-forward").nested(raw))
        .containsExactly(
            new double[] {1, 1, 0, 0}, new double[] {1, 0, 0, 0}, new double[] {1, 0, 0, 0});
    assertThat(raw.get(0)).containsExactly(1, 1, 0, 0);
  }

  /** §11 e: k = 1 and 0, v = 1 and 2, query 1. */
  @Test
  void aZeroedTokenStillTakesItsShare() {
    try (NDManager manager = TrainedTinyVit.TENSORS.newManager()) {
      NDArray scores = manager.create(new float[] {1, 0, 1, 0}, new Shape(1, 1, 2, 2));
      NDArray values = manager.create(new float[] {1, 2}, new Shape(1, 1, 2, 1));
      NDArray zeroed = VitForward.maskedSoftmax(scores, manager.create(new float[] {1, 1}), 0);
      NDArray dropped = VitForward.maskedSoftmax(scores, manager.create(new float[] {1, 0}), 0);
      assertThat(zeroed.toFloatArray()[0]).isEqualTo(0.731059f, within(1e-6f));
      assertThat(zeroed.matMul(values).toFloatArray()[0]).isEqualTo(1.268941f, within(1e-6f));
      assertThat(dropped.matMul(values).toFloatArray()[0]).isEqualTo(1);
    }
  }

  /** §9.8. */
  @Test
  void droppedTokensAreMaskedOnesAndNotZeroedOnes() {
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(SHAPE).blocks());
    List<List<Integer>> kept =
        List.of(List.of(0, 2, 3, 5, 7, 8, 11, 12, 16), List.of(0, 3, 7, 8, 16), List.of(0, 8));
    Map<String, Tensor> zeros = same(1);
    for (int l = 0; l < 3; l++) {
      blocks.set(l, blocks.get(l).with(new TokenRule.Enter(kept.get(l))));
      for (int t = 0; t < 17; t++) {
        zeros.get(VitSlimGates.tokens(l)).values()[t] = kept.get(l).contains(t) ? 1 : 0;
      }
    }
    PruningPlan plan = new PruningPlan(SHAPE, PruningPlan.identity(SHAPE).embedding(), blocks);
    VitWeights weights = TrainedTinyVit.weights();

    GateTrials.assertCutIsHonest(weights, plan);
    float[] dropped = logits(Cut.apply(weights, plan), null);
    assertThat(GateTrials.distance(dropped, logits(weights, zeros))).isGreaterThan(1e-3f);
  }

  /** §9.14: with nothing from attention, a token's gate is seen in its own MLP and nowhere else. */
  @Test
  void aTokensGateStandsBehindBothNorms() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(TrainedTinyVit.weights().tensors());
    tensors.put("blocks.1.attn.proj.weight", new Tensor(new int[] {32, 64}, new float[32 * 64]));
    VitWeights weights = new VitWeights(SHAPE, tensors);
    Map<String, Tensor> halved = same(1);
    halved.get(VitSlimGates.tokens(1)).values()[5] = 0.5f;

    float[] before = taps(weights, same(1)).get("blocks.1"); // (1, 17, 32)
    float[] after = taps(weights, halved).get("blocks.1");

    for (int t = 0; t < 17; t++) {
      float moved =
          GateTrials.distance(
              Arrays.copyOfRange(before, t * 32, (t + 1) * 32),
              Arrays.copyOfRange(after, t * 32, (t + 1) * 32));
      if (t == 5) {
        assertThat(moved).isGreaterThan(1e-3f);
      } else {
        assertThat(moved).isZero();
      }
    }
  }

  /** §9.7: attention written head by head, each at its own width. */
  @Test
  void unequalHeadsPaddedComputeWhatEachComputesAlone() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(TrainedTinyVit.weights().tensors());
    tensors.put("blocks.0.mlp.fc2.weight", new Tensor(new int[] {32, 64}, new float[32 * 64]));
    tensors.put("blocks.0.mlp.fc2.bias", new Tensor(new int[] {32}, new float[32]));
    VitWeights weights = new VitWeights(SHAPE, tensors);
    List<HeadPlan> heads =
        List.of(
            new HeadPlan(0, List.of(1, 4, 5, 9), List.of(0, 2, 3)),
            new HeadPlan(1, List.of(0), List.of(4, 5, 6, 7, 8, 15)),
            new HeadPlan(3, List.of(2, 3, 4, 5, 6, 7, 8, 9, 10), List.of(12)));
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(SHAPE).blocks());
    blocks.set(0, BlockPlan.msa(heads, blocks.get(0).mlp()));
    PruningPlan plan = new PruningPlan(SHAPE, PruningPlan.identity(SHAPE).embedding(), blocks);
    GateTrials.assertCutIsHonest(weights, plan);

    Map<String, float[]> taps = taps(Cut.apply(weights, plan), null);

    float[] alone = new HeadByHead(weights, 0).attend(taps.get("blocks.0.entered"), heads);
    assertThat(GateTrials.distance(taps.get("blocks.0"), alone)).isLessThan(1e-5f);
    long padded = plan.cost().macs() - plan.idealCost().macs();
    int qk = 3 * 9 - (4 + 1 + 9);
    int v = 3 * 6 - (3 + 6 + 1);
    assertThat(padded).isEqualTo(17L * 32 * (2 * qk + 2 * v) + 17L * 17 * (qk + v));
  }

  // ---- helpers ----

  private static void set(GateTraining gates, String name, int[] shape, float... values) {
    VitModel.assign(gates.parameters().get("gates." + name), new Tensor(shape, values));
  }

  private static float[] slopes(GateTraining gates, String name) {
    return gates.parameters().get("gates." + name).getGradient().toFloatArray();
  }

  private static Map<String, Tensor> same(float value) {
    Map<String, Tensor> values = GateTrials.values(GATES, 1);
    values.values().forEach(gate -> Arrays.fill(gate.values(), value));
    return values;
  }

  private static Gates placed(VitSlimGates set, NDManager manager, Map<String, Tensor> values) {
    if (values == null) {
      return Gates.NONE;
    }
    return set.place(
        name -> {
          Tensor value = values.get(name);
          long[] shape = Arrays.stream(value.shape()).asLongStream().toArray();
          return manager.create(value.values(), new Shape(shape));
        });
  }

  private static float[] logits(VitWeights weights, Map<String, Tensor> values) {
    return logits(GATES, weights, values);
  }

  private static float[] logits(VitSlimGates set, VitWeights weights, Map<String, Tensor> values) {
    return GateTrials.logits(weights, 5, manager -> placed(set, manager, values), false);
  }

  /** All that is seen on the way of the first test image. */
  private static Map<String, float[]> taps(VitWeights weights, Map<String, Tensor> values) {
    Map<String, float[]> taps = new HashMap<>();
    try (NDManager manager = TrainedTinyVit.TENSORS.newManager();
        GradientMode off = GradientMode.off();
        VitModel model = VitModel.frozen(TrainedTinyVit.TENSORS, weights)) {
      NDArray image =
          manager
              .create(TrainedTinyVit.DATASET.batch(TrainedTinyVit.DATASET.test(), new int[] {0}))
              .reshape(1, 1, 8, 8);
      VitForward.logits(
          model,
          image,
          placed(GATES, manager, values),
          (name, value) -> taps.put(name, value.toFloatArray()));
    }
    return taps;
  }
}
