package dev.espalier.pruning.nvit;

import static java.util.stream.Collectors.toMap;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.ParameterShapes;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.Objective;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.method.Chunk;
import dev.espalier.pruning.method.LiveUnits;
import dev.espalier.pruning.method.Pool;
import dev.espalier.pruning.nvit.GlobalRanking.ChunkSizes;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** The numbers of {@code methods/nvit.md} §12. */
class WorkedExamplesTest {

  private static final double EXACT = 1e-6;

  @Test
  void a_aScoreIsTheSquareOfTheSum() {
    double sum = 1 * 0.2 + -2 * 0.1 + 0.5 * -0.4;

    assertThat(TaylorScores.squared(sum, 1)).isEqualTo(0.04, within(EXACT));
    assertThat(TaylorScores.squared(sum, Divisors.ofDepth(12).of(UnitKind.QK)))
        .isEqualTo(0.01, within(EXACT));
    assertThat(TaylorScores.squared(sum, Divisors.ofDepth(12).of(UnitKind.V)))
        .isEqualTo(0.01, within(EXACT));
    assertThat(TaylorScores.squared(sum, Divisors.ofDepth(12).of(UnitKind.HEAD)))
        .isEqualTo(2.7778e-4, within(1e-8));
    assertThat(TaylorScores.squared(sum, Divisors.ofDepth(12).of(UnitKind.EMBEDDING)))
        .isEqualTo(2.7778e-4, within(1e-8));
  }

  @Test
  void a_signsCancelWithinAGroupOfRealTensors() {
    VitArchitecture vit = VitArchitecture.uniform(4, 4, 1, 2, 2, 1, 1, 2);
    Map<String, Tensor> weights = zeros(vit);
    Map<String, Tensor> gradients = zeros(vit);
    set(weights, "blocks.0.mlp.fc1.weight", 0, 1, -2);
    set(gradients, "blocks.0.mlp.fc1.weight", 0, 0.2f, 0.1f);
    set(weights, "blocks.0.mlp.fc1.bias", 0, 0.5f);
    set(gradients, "blocks.0.mlp.fc1.bias", 0, -0.4f);

    Map<Pool, float[]> scores =
        TaylorScores.of(vit, Divisors.ofDepth(12), new HostProducts(weights, gradients));

    float[] mlp = scores.get(new Pool(UnitKind.MLP, 0));
    assertThat(mlp[0]).isEqualTo(0.04f, within(1e-6f)); // not 0.12, not 0.36
    assertThat(mlp[1]).isZero();
    float[] embedding = scores.get(new Pool(UnitKind.EMBEDDING, Pool.EVERYWHERE));
    assertThat(embedding[0]).isEqualTo((float) Math.pow(0.2 / 12, 2), within(1e-8f));
  }

  @Test
  void b_aRunningAverageEntersAndForgets() {
    Pool pool = new Pool(UnitKind.MLP, 0);
    LiveUnits units = new LiveUnits(VitArchitecture.uniform(4, 4, 1, 2, 2, 1, 1, 2));
    RunningScores paper = new RunningScores(units, 0.9, false);
    RunningScores ours = new RunningScores(units, 0.9, true);
    for (RunningScores scores : List.of(paper, ours)) {
      interval(scores, units, 0.02f, 0.06f); // a mean of 0.04
    }

    assertThat(paper.latest(pool)[0]).isEqualTo(0.004f, within(1e-7f));
    assertThat(ours.latest(pool)[0]).isEqualTo(0.04f, within(1e-7f));
    for (RunningScores scores : List.of(paper, ours)) {
      interval(scores, units, 0.1f);
    }
    assertThat(paper.latest(pool)[0]).isEqualTo(0.0136f, within(1e-7f));
    assertThat(ours.latest(pool)[0]).isEqualTo((float) (0.0136 / 0.19), within(1e-6f));
    for (RunningScores scores : List.of(paper, ours)) {
      scores.reset();
      interval(scores, units, 0.04f);
    }
    assertThat(paper.latest(pool)[0]).isEqualTo(0.004f, within(1e-7f));
    assertThat(ours.latest(pool)[0]).isEqualTo(0.04f, within(1e-7f));
  }

  @Test
  void c_aChunkIsNotARangeOfIndices() {
    Pool pool = new Pool(UnitKind.QK, 0);

    List<Chunk> chunks =
        Chunk.of(pool, List.of(0, 1, 2, 3), new double[] {0.5, 0.1, 0.3, 0.2}, List.of(0, 2, 4));

    assertThat(chunks)
        .containsExactly(new Chunk(pool, List.of(1, 3)), new Chunk(pool, List.of(2, 0)));
  }

  @Test
  void d_aCostTermTurnsTheOrder() {
    VitArchitecture vit = VitArchitecture.uniform(4, 4, 1, 2, 32, 1, 2, 32);
    LiveUnits units = new LiveUnits(vit);
    ChunkSizes sizes = new ChunkSizes(16, 2, 8, 8, 16);
    Map<UnitKind, Float> unitScores =
        Map.of(
            UnitKind.EMBEDDING, 1f,
            UnitKind.HEAD, 1f,
            UnitKind.QK, 9e-7f / 8,
            UnitKind.V, 1f,
            UnitKind.MLP, 4e-7f / 16);
    Map<UnitKind, Double> gains =
        Map.of(
            UnitKind.EMBEDDING, 0.0,
            UnitKind.HEAD, 0.0,
            UnitKind.QK, 1.7e-4,
            UnitKind.V, 0.0,
            UnitKind.MLP, 1.2e-5);

    List<GlobalRanking.Ranked> plain =
        GlobalRanking.ofScores(sizes, false).rank(units, pool -> filled(pool, vit, unitScores));
    List<GlobalRanking.Ranked> withCost =
        new GlobalRanking(sizes, false, costs(5e-4, pool -> gains.get(pool.kind())))
            .rank(units, pool -> filled(pool, vit, unitScores));

    assertThat(plain.get(0).chunk().pool().kind()).isEqualTo(UnitKind.MLP);
    assertThat(plain.get(0).score()).isEqualTo(4e-7, within(1e-13));
    assertThat(withCost.get(0).chunk().pool().kind()).isEqualTo(UnitKind.QK);
    assertThat(withCost.get(0).score()).isEqualTo(2.2e-7, within(1e-13));
    assertThat(withCost.get(1).chunk().pool().kind()).isEqualTo(UnitKind.MLP);
    assertThat(withCost.get(1).score()).isEqualTo(3.04e-7, within(1e-13));
  }

  @Test
  void d_withoutEtaTheCostDoesNotMatterAndAHugeOneDecidesAlone() {
    VitArchitecture vit = VitArchitecture.uniform(4, 4, 1, 2, 32, 2, 2, 32);
    LiveUnits units = new LiveUnits(vit);
    ChunkSizes sizes = new ChunkSizes(8, 1, 4, 4, 8);
    Map<UnitKind, Float> scores =
        Map.of(
            UnitKind.EMBEDDING,
            5f,
            UnitKind.HEAD,
            4f,
            UnitKind.QK,
            3f,
            UnitKind.V,
            2f,
            UnitKind.MLP,
            1f);

    List<GlobalRanking.Ranked> none =
        new GlobalRanking(sizes, true, costs(0, pool -> 1e9))
            .rank(units, p -> filled(p, vit, scores));
    List<GlobalRanking.Ranked> huge =
        new GlobalRanking(sizes, true, costs(1e9, pool -> pool.kind() == UnitKind.HEAD ? 2.0 : 1.0))
            .rank(units, p -> filled(p, vit, scores));

    assertThat(none)
        .isEqualTo(GlobalRanking.ofScores(sizes, true).rank(units, p -> filled(p, vit, scores)));
    assertThat(none.get(0).chunk().pool().kind()).isEqualTo(UnitKind.MLP);
    assertThat(huge.get(0).chunk().pool().kind()).isEqualTo(UnitKind.HEAD);
  }

  @Test
  void e_aMaskedLayerNormIsTheSlicedOne() {
    float[] row = {1, 3, 0, 0};

    assertClose(layerNorm(row, null), 0, 1.632993, -0.816497, -0.816497);
    assertClose(layerNorm(row, new float[] {1, 1, 0, 0}), -1, 1, 0, 0);
    assertClose(layerNorm(new float[] {1, 3}, null), -1, 1);
    assertClose(layerNorm(new float[] {-1, 1, 0, 0}, null), -1.414214, 1.414214, 0, 0);
    // The repair by gamma * sqrt(2 / 4) is wrong where the mean is not 0 and exact where it is.
    float repair = (float) Math.sqrt(0.5);
    assertThat(repair * layerNorm(row, null)[1]).isEqualTo(1.154701f, within(1e-6f));
    assertThat(repair * layerNorm(new float[] {-1, 1, 0, 0}, null)[1]).isEqualTo(1, within(1e-6f));
  }

  @Test
  void f_theDivergenceIsAMeanOverTheBatch() {
    VitArchitecture vit = oneRow(2, 2);
    Map<String, Tensor> weights = zeros(vit);
    set(weights, "head.bias", 0, 1, 0);
    try (VitEngine engine = VitEngine.reference();
        VitModel student =
            VitModel.trainable(TrainedTinyVit.TENSORS, new VitWeights(vit, weights));
        NDManager manager = TrainedTinyVit.TENSORS.newManager()) {
      for (int batch : List.of(1, 3)) {
        NDArray images = manager.zeros(new Shape(batch, 1, 4, 4));
        NDArray labels = manager.create(new long[batch]);
        NDArray teacher = manager.create(new float[] {2, 0}).reshape(1, 2).broadcast(batch, 2);

        float plain =
            engine
                .backward(student, images, labels, Objective.CROSS_ENTROPY, null, Gates.NONE)
                .loss();
        float distilled =
            engine
                .backward(student, images, labels, new Objective(0, 100, 3), teacher, Gates.NONE)
                .loss();

        assertThat(distilled - plain).isEqualTo(1.28543f, within(1e-5f));
      }
    }
  }

  // ---- helpers ----

  private static void interval(RunningScores scores, LiveUnits units, float... batches) {
    for (float batch : batches) {
      Map<Pool, float[]> all = new LinkedHashMap<>();
      for (Pool pool : units.pools()) {
        float[] values = new float[pool.width(units.base())];
        Arrays.fill(values, batch);
        all.put(pool, values);
      }
      scores.add(all);
    }
    scores.endInterval(units);
  }

  private static float[] filled(Pool pool, VitArchitecture vit, Map<UnitKind, Float> scores) {
    float[] values = new float[pool.width(vit)];
    Arrays.fill(values, scores.get(pool.kind()));
    return values;
  }

  /** A model whose class scores are the final layer norm of its class token. */
  private static VitArchitecture oneRow(int d, int classes) {
    return new VitArchitecture(
        4, 4, 1, classes, 1, d, 1, 1e-12, List.of(new BlockShape(AttentionKind.SKIP, 0, 0, 0, 1)));
  }

  private static float[] layerNorm(float[] row, float[] kept) {
    int d = row.length;
    VitArchitecture vit = oneRow(d, d);
    Map<String, Tensor> weights = zeros(vit);
    set(weights, "cls_token", 0, row);
    Arrays.fill(weights.get("norm.weight").values(), 1);
    for (int i = 0; i < d; i++) {
      weights.get("head.weight").values()[i * d + i] = 1;
    }
    try (VitEngine engine = VitEngine.reference();
        VitModel model = VitModel.frozen(TrainedTinyVit.TENSORS, new VitWeights(vit, weights));
        NDManager manager = TrainedTinyVit.TENSORS.newManager()) {
      Gates gates = kept == null ? Gates.NONE : new Gates(null, manager.create(kept), List.of());
      return engine.logits(model, manager.zeros(new Shape(1, 1, 4, 4)), gates).toFloatArray();
    }
  }

  private static void assertClose(float[] found, double... expected) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat((double) found[i]).isEqualTo(expected[i], within(1.5 * EXACT));
    }
  }

  private static Map<String, Tensor> zeros(VitArchitecture vit) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    ParameterShapes.of(vit)
        .forEach(
            (name, shape) ->
                tensors.put(
                    name,
                    new Tensor(shape, new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)])));
    return tensors;
  }

  private static void set(Map<String, Tensor> tensors, String name, int first, float... values) {
    System.arraycopy(values, 0, tensors.get(name).values(), first, values.length);
  }

  private static GlobalRanking.UnitCosts costs(double eta, Function<Pool, Double> gain) {
    return (units, scores) ->
        units.pools().stream().collect(toMap(pool -> pool, pool -> eta * gain.apply(pool)));
  }
}
