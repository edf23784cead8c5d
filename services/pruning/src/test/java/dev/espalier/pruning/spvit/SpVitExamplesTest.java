package dev.espalier.pruning.spvit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The worked examples of {@code methods/spvit.md} §12, and its tests on single parts. */
class SpVitExamplesTest {

  private static final TensorEngine TENSORS = TrainedTinyVit.TENSORS;

  /** 3x3 patches of one pixel, d 2, two heads of width 1. */
  private static final VitArchitecture EXAMPLE =
      new VitArchitecture(3, 1, 1, 2, 1, 2, 1, 1e-6, List.of(BlockShape.msa(2, 1, 1, 2)));

  private final NDManager manager = TENSORS.newManager();

  @AfterEach
  void free() {
    manager.close();
  }

  @Test
  void mixesHeadsBySharpSoftmax() {
    NDArray shares = SinglePath.shares(manager.create(new float[] {1, 1.05f}, s(2, 1)), manager);
    assertThat(shares.toFloatArray()).containsExactly(new float[] {0.006693f, 0.993307f}, e(2e-6));
    double[][] host = Kernels.shares(new Tensor(new int[] {2, 1}, new float[] {1, 1.05f}));
    assertThat(host[0][0]).isEqualTo(0.006693, within(2e-6));

    NDArray even = SinglePath.shares(manager.ones(s(4, 9)), manager);
    assertThat(even.toFloatArray()).containsOnly(0.25f);
    NDArray any = SinglePath.shares(manager.randomNormal(s(4, 9)), manager);
    for (float sum : any.sum(new int[] {0}).toFloatArray()) {
      assertThat(sum).isEqualTo(1, within(1e-6f));
    }
  }

  @Test
  void aFeatureReachesItsNeighboursInTheKernelsOrder() {
    try (VitModel model = VitModel.frozen(TENSORS, example());
        GradientMode off = GradientMode.off()) {
      NDArray y = manager.zeros(s(1, 10, 2));
      y.set(new NDIndex("0, 2, 0"), 1f); // row 0, column 1, behind the class
      SinglePath path = new SinglePath(model, 0, y, mixing());
      assertThat(path.gathered().toFloatArray())
          .containsExactly(
              new float[] {5.2f, 4.9f, 4.6f, 5.1f, 4.8f, 4.5f, 4.5f, 4.5f, 4.5f}, e(1e-6));
      float[] conv3 = path.conv3(identity(), 0).toFloatArray();
      assertThat(new float[] {conv3[4], conv3[5]})
          .containsExactly(new float[] {17.64f, 52.92f}, e(1e-5));
      assertThat(new float[] {conv3[0], conv3[1]}).as("class token").containsOnly(0f);

      assertThat(path.centred().toFloatArray())
          .containsExactly(new float[] {.5f, .9f, .5f, .5f, .5f, .5f, .5f, .5f, .5f}, e(1e-6));
      float[] conv1 = path.conv1(identity(), 0).toFloatArray();
      assertThat(new float[] {conv1[2], conv1[3], conv1[4], conv1[5]})
          .containsExactly(new float[] {.2f, .6f, .36f, 1.08f}, e(1e-6));
    }
  }

  @Test
  void theBiasIsAddedBehindThePadding() {
    try (VitModel model = VitModel.frozen(TENSORS, example());
        GradientMode off = GradientMode.off()) {
      SinglePath path = new SinglePath(model, 0, manager.zeros(s(1, 10, 2)), mixing());
      assertThat(path.gathered().toFloatArray()).as("at corners too").containsOnly(4.5f);
    }
  }

  @Test
  void everyEntryOfAOneHotInputFindsItsKernelEntry() {
    Map<String, Tensor> norm = norm(1, 0, 0, (float) (1 - BatchNorm.EPSILON));
    double[][] shares = new double[2][9];
    for (int k = 0; k < 9; k++) {
      shares[0][k] = k / 10.0;
      shares[1][k] = 1 - k / 10.0;
    }
    Tensor kernel =
        new Kernels(example(), 0, shares)
            .of(AttentionKind.CONV3, norm)
            .get("blocks.0.attn.conv.weight");
    try (VitModel model = VitModel.frozen(TENSORS, example());
        GradientMode off = GradientMode.off()) {
      NDArray y = manager.zeros(s(1, 10, 2));
      y.set(new NDIndex("0, 5, 0"), 1f); // the middle of the grid
      float[] u = new SinglePath(model, 0, y, mixing()).gathered().toFloatArray();
      for (int a = 0; a < 3; a++) {
        for (int b = 0; b < 3; b++) {
          // The place that sees the middle at (a, b) of its window.
          float seen = u[(2 - a) * 3 + 2 - b] - 4.5f;
          assertThat(seen).isEqualTo((3 * b + a) / 10f, e(1e-6));
          assertThat(kernel.values()[a * 3 + b]).isEqualTo(seen, e(1e-5));
        }
      }
    }
  }

  @Test
  void normAndReluStandBetweenTheLinearMaps() {
    VitWeights weights = TinyVit.weights(TrainedTinyVit.SHAPE, 9);
    Map<String, Tensor> silent = new LinkedHashMap<>(weights.tensors());
    silent.put("blocks.1.attn.proj.weight", new Tensor(new int[] {32, 64}, new float[32 * 64]));
    float[] bias = weights.tensor("blocks.1.attn.proj.bias").values();
    NDArray y = manager.randomNormal(s(2, 17, 32));
    NDArray mixing = manager.randomNormal(s(4, 9));
    try (VitModel model = VitModel.frozen(TENSORS, new VitWeights(weights.architecture(), silent));
        GradientMode off = GradientMode.off()) {
      SinglePath path = new SinglePath(model, 1, y, mixing);
      assertIsBias(path.conv3(new BatchNorm(16, manager), 0.1), bias);
      assertIsBias(path.conv1(new BatchNorm(16, manager), 0.1), bias);
    }
    try (VitModel model = VitModel.frozen(TENSORS, weights);
        GradientMode off = GradientMode.off()) {
      SinglePath path = new SinglePath(model, 1, y, mixing);
      BatchNorm low = new BatchNorm(16, manager);
      low.parameters().get("beta").addi(manager.full(new Shape(), -1e3f));
      assertIsBias(path.conv3(low, 0.1), bias);
      assertIsBias(path.conv1(low, 0.1), bias);
    }
  }

  @Test
  void gatesLetThroughAndLearnAsInTheTable() {
    float[][] cases = {
      {1, 1, 1, 5, 3, 3, 3},
      {1, 1, 0, 2, 1, 1, 3},
      {1, 0, 1, 1, 1, 5, 0},
      {1, 0, 0, 1, 1, 1, 0},
      {0, 1, 1, 0, 8, 0, 0},
      {0, 0, 0, 0, 1, 0, 0}
    };
    for (float[] c : cases) {
      assertThat(blended(c, false)).containsExactly(c[3], c[4], c[5], c[6]);
    }
    assertThat(blended(cases[0], true)).containsExactly(5, 0, 0, 3);
    assertThat(blended(cases[1], true)).containsExactly(2, 0, 1, 3);
  }

  @Test
  void samplesAreWorkedOutAsInTheExample() {
    for (double[] c : new double[][] {{0.1, 0, 0.332428}, {0.3, 1, 0.657619}}) {
      NDArray t = manager.create(new float[] {1.5f});
      t.setRequiresGradient(true);
      double noise = Math.log(c[0]) - Math.log(1 - c[0]);
      try (GradientMode recording = GradientMode.recording()) {
        NDArray g = GateSampling.sample(t, manager.create(new float[] {(float) noise}), 1);
        assertThat(g.toFloatArray()).containsExactly((float) c[1]);
        TensorEngine.backward(g.sum());
        assertThat(t.getGradient().getFloat()).isEqualTo((float) (c[2] * (1 - c[2])), e(1e-6));
      }
    }
  }

  @Test
  void gatesOpenAsOftenAsTheyShould() {
    NDArray t = manager.full(s(10_000), 1.5f);
    NDArray noise = GateSampling.noise(manager, 4, 2, 0, s(10_000));
    double share = 0;
    for (float g : GateSampling.sample(t, noise, 1).toFloatArray()) {
      assertThat(g == 0 || g == 1).isTrue();
      share += g / 10_000;
    }
    double p = 0.817574;
    assertThat(share).isEqualTo(p, within(3 * Math.sqrt(p * (1 - p) / 10_000)));
    assertThat(GateSampling.noise(manager, 4, 2, 0, s(5)))
        .isEqualTo(GateSampling.noise(manager, 4, 2, 0, s(5)));
    assertThat(GateSampling.noise(manager, 4, 2, 1, s(5)))
        .isNotEqualTo(GateSampling.noise(manager, 4, 2, 0, s(5)));
    NDArray decided = GateSampling.decided(manager.create(new float[] {0.1f, -0.1f, 0}), manager);
    assertThat(decided.toFloatArray()).containsExactly(1, 0, 0);
  }

  @Test
  void costAndItsSlopesAreThoseOfTheExample() {
    Complexity.Operators operators = new Complexity.Operators(144, 720, 1440);
    double[] t = {1.5, 0.5, -0.2};
    assertThat(operators.of(t)).isEqualTo(720);
    assertThat(operators.slope(t))
        .containsExactly(new double[] {26.1807, 33.7140, 44.5253}, within(5e-5));
    assertThat(operators.of(new double[] {1, 1, 1})).isEqualTo(1440);
    assertThat(operators.of(new double[] {1, -1, 1})).isEqualTo(144);
    assertThat(operators.of(new double[] {-1, 1, 1})).isZero();
  }

  @Test
  void countsWhatThePlatformCounts() {
    VitArchitecture vit = VitArchitecture.uniform(28, 4, 1, 10, 48, 4, 4, 192);
    Complexity complexity = new Complexity(vit, TargetKind.MACS);
    long d = 48;
    long e = 12;
    long N = 49;
    assertThat(complexity.operators(2).conv1()).isEqualTo(2 * d * e * N);
    assertThat(complexity.operators(2).conv3()).isEqualTo(10 * d * e * N);
    assertThat(complexity.operators(2).msa())
        .isEqualTo(4 * (N + 1) * d * d + 2 * d * (N + 1) * (N + 1));
    for (TargetKind kind : TargetKind.COUNTED) {
      double[][] operator = gates(4, 3, 1);
      double[][] hidden = gates(4, 192, 1);
      Complexity own = new Complexity(vit, kind);
      assertThat(own.keepRatio(operator, hidden)).isEqualTo(1, within(1e-12));
      operator[1] = new double[] {1, 1, -1};
      operator[2] = new double[] {1, -1, 1};
      operator[3] = new double[] {-1, 1, 1};
      for (int j = 0; j < 100; j++) {
        hidden[0][j] = -1;
      }
      List<BlockShape> blocks = new ArrayList<>();
      blocks.add(BlockShape.msa(4, 12, 12, 92));
      blocks.add(new BlockShape(AttentionKind.CONV3, 4, 12, 12, 192));
      blocks.add(new BlockShape(AttentionKind.CONV1, 4, 12, 12, 192));
      blocks.add(new BlockShape(AttentionKind.SKIP, 4, 12, 12, 192));
      double expected = Cost.of(vit.withWidths(48, blocks)).keepRatio(Cost.of(vit), kind);
      assertThat(own.keepRatio(operator, hidden)).isEqualTo(expected, within(1e-12));
    }
  }

  @Test
  void thePenaltyAloneDrivesTheCostToItsTargetFromBothSides() {
    VitArchitecture vit = VitArchitecture.uniform(28, 4, 1, 10, 48, 4, 4, 192);
    Complexity complexity = new Complexity(vit, TargetKind.MACS);
    for (double start : new double[] {1.5, -0.4}) {
      SplittableRandom random = new SplittableRandom(6);
      double[][] operator = gates(4, 3, 1.5);
      double[][] hidden = gates(4, 192, start);
      for (double[][] all : List.of(operator, hidden)) {
        for (double[] block : all) {
          for (int i = 0; i < block.length; i++) {
            block[i] += 0.3 * random.nextGaussian();
          }
        }
      }
      assertThat(Math.abs(complexity.keepRatio(operator, hidden) - 0.6)).isGreaterThan(0.1);
      for (int step = 0; step < 1_000; step++) {
        double rate = 0.02 * (1 - step / 1_000.0);
        double over = complexity.keepRatio(operator, hidden) - 0.6;
        double[][] forOperator = complexity.operatorSlopes(operator);
        double[][] forHidden = complexity.hiddenSlopes(hidden);
        descend(operator, forOperator, rate * Math.signum(over));
        descend(hidden, forHidden, rate * Math.signum(over));
      }
      assertThat(complexity.keepRatio(operator, hidden)).isEqualTo(0.6, within(0.6 * 0.02));
    }
  }

  // ---- helpers ----

  private static void descend(double[][] t, double[][] slopes, double rate) {
    for (int l = 0; l < t.length; l++) {
      for (int i = 0; i < t[l].length; i++) {
        t[l][i] -= rate * Math.signum(slopes[l][i]); // as Adam does, by its rate
      }
    }
  }

  private static double[][] gates(int blocks, int each, double value) {
    double[][] gates = new double[blocks][each];
    for (double[] block : gates) {
      Arrays.fill(block, value);
    }
    return gates;
  }

  /** Output and three gradients for branches 5, 2, 1. */
  private float[] blended(float[] g, boolean strict) {
    NDArray gates = manager.create(new float[] {g[0], g[1], g[2]});
    gates.setRequiresGradient(true);
    try (GradientMode recording = GradientMode.recording()) {
      NDArray y =
          GateSampling.blend(
              gates,
              manager.full(s(1), 5f),
              manager.full(s(1), 2f),
              manager.full(s(1), 1f),
              strict);
      TensorEngine.backward(y.sum());
      float[] gradient = gates.getGradient().toFloatArray();
      return new float[] {y.getFloat(), gradient[0], gradient[1], gradient[2]};
    }
  }

  private static VitWeights example() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(TinyVit.weights(EXAMPLE, 1).tensors());
    float[] qkv = new float[12];
    qkv[8] = 1; // W_v^1 = [1, 0]
    qkv[11] = 1; // W_v^2 = [0, 1]
    tensors.put("blocks.0.attn.qkv.weight", new Tensor(new int[] {6, 2}, qkv));
    tensors.put(
        "blocks.0.attn.qkv.bias", new Tensor(new int[] {6}, new float[] {0, 0, 0, 0, 0.5f, 0.5f}));
    tensors.put(
        "blocks.0.attn.proj.weight",
        new Tensor(new int[] {2, 2}, new float[] {1, 0, 0, 2})); // W_o^1 = (1, 0), W_o^2 = (0, 2)
    tensors.put("blocks.0.attn.proj.bias", new Tensor(new int[] {2}, new float[2]));
    return new VitWeights(EXAMPLE, tensors);
  }

  /** P whose softmax is R[1,k] = k / 10. */
  private NDArray mixing() {
    float[] p = new float[18];
    for (int k = 0; k < 9; k++) {
      p[k] = k == 0 ? -10 : (float) (SinglePath.ALPHA * Math.log(k / 10.0));
      p[9 + k] = (float) (SinglePath.ALPHA * Math.log(1 - k / 10.0));
    }
    return manager.create(p, s(2, 9));
  }

  /** A norm that changes nothing. */
  private BatchNorm identity() {
    BatchNorm norm = new BatchNorm(1, manager);
    norm.statistics().get("variance").subi(manager.full(s(1), (float) BatchNorm.EPSILON));
    return norm;
  }

  private static Map<String, Tensor> norm(float gamma, float beta, float mean, float variance) {
    Map<String, Tensor> norm = new LinkedHashMap<>();
    norm.put("gamma", new Tensor(new int[] {1}, new float[] {gamma}));
    norm.put("beta", new Tensor(new int[] {1}, new float[] {beta}));
    norm.put("mean", new Tensor(new int[] {1}, new float[] {mean}));
    norm.put("variance", new Tensor(new int[] {1}, new float[] {variance}));
    return norm;
  }

  private static void assertIsBias(NDArray branch, float[] bias) {
    float[] patches = branch.get(":, 1:").toFloatArray();
    for (int i = 0; i < patches.length; i++) {
      assertThat(patches[i]).isEqualTo(bias[i % bias.length]);
    }
  }

  private static Shape s(long... lengths) {
    return new Shape(lengths);
  }

  private static Offset<Float> e(double tolerance) {
    return within((float) tolerance);
  }
}
