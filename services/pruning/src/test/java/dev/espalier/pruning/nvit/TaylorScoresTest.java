package dev.espalier.pruning.nvit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.importance.Importance;
import dev.espalier.architecture.method.UnitKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.AdamW;
import dev.espalier.pruning.engine.AdamWSettings;
import dev.espalier.pruning.engine.Objective;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.magnitude.Magnitude;
import dev.espalier.pruning.method.LiveUnits;
import dev.espalier.pruning.method.Pool;
import dev.espalier.pruning.method.PruningMethod;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.random.RandomUnits;
import dev.espalier.pruning.surgery.Masks;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TaylorScoresTest {

  private static final VitArchitecture SHAPE = TrainedTinyVit.SHAPE;
  private static final Divisors NONE = new Divisors(1, 1, 1, 1, 1);

  /**
   * The gates' own gradients, which autograd finds, against the sums over the groups. The gates of
   * the forward pass sit where the groups' outputs are: the keys' share of a head is that of its
   * queries, and the columns that read a channel share the derivative of the layer norm's gain and
   * bias that write it.
   */
  @Test
  void aScoreIsTheSquaredDerivativeByAGateOnItsGroup() {
    try (VitEngine engine = VitEngine.reference();
        VitModel model = VitModel.trainable(TrainedTinyVit.TENSORS, TinyVit.weights(SHAPE, 11));
        NDManager manager = TrainedTinyVit.TENSORS.newManager()) {
      Gates gates = openGates(manager);
      backward(engine, model, manager, gates, IntStream.range(0, 16).toArray());

      Map<Pool, float[]> scores = scores(model, manager, NONE);

      double[] embedding = doubles(gates.embedding());
      for (String token : List.of("cls_token", "pos_embed")) {
        subtract(embedding, columns(model, token));
      }
      for (int l = 0; l < SHAPE.depth(); l++) {
        for (String norm : List.of("norm1", "norm2")) {
          add(embedding, columns(model, "blocks." + l + "." + norm + ".weight"));
          add(embedding, columns(model, "blocks." + l + "." + norm + ".bias"));
        }
        Gates.Block block = gates.block(l);
        BlockShape shape = SHAPE.blocks().get(l);
        double[] qkGates = doubles(block.qk());
        double[] vGates = doubles(block.v());
        double[] heads = new double[shape.heads()];
        double[] qk = new double[shape.qkWidth()];
        double[] v = new double[shape.vWidth()];
        for (int h = 0; h < heads.length; h++) {
          for (int i = 0; i < qk.length; i++) {
            heads[h] += 2 * qkGates[h * qk.length + i];
            qk[i] += qkGates[h * qk.length + i];
          }
          for (int i = 0; i < v.length; i++) {
            heads[h] += vGates[h * v.length + i];
            v[i] += vGates[h * v.length + i];
          }
        }
        assertSquares(scores.get(new Pool(UnitKind.HEAD, l)), heads);
        assertSquares(scores.get(new Pool(UnitKind.QK, l)), qk);
        assertSquares(scores.get(new Pool(UnitKind.V, l)), v);
        assertSquares(scores.get(new Pool(UnitKind.MLP, l)), doubles(block.mlp()));
      }
      assertSquares(scores.get(new Pool(UnitKind.EMBEDDING, Pool.EVERYWHERE)), embedding);
    }
  }

  @Test
  void theDeviceSumsAsTheHostDoes() {
    try (VitEngine engine = VitEngine.reference();
        VitModel model = VitModel.trainable(TrainedTinyVit.TENSORS, TinyVit.weights(SHAPE, 12));
        NDManager manager = TrainedTinyVit.TENSORS.newManager()) {
      backward(engine, model, manager, Gates.NONE, IntStream.range(0, 16).toArray());
      Map<String, Tensor> gradients = new LinkedHashMap<>();
      model.parameters().keySet().forEach(name -> gradients.put(name, model.gradient(name)));
      Divisors divisors = Divisors.ofDepth(SHAPE.depth());

      Map<Pool, float[]> device = scores(model, manager, divisors);
      Map<Pool, float[]> host =
          TaylorScores.of(SHAPE, divisors, new HostProducts(model.weights().tensors(), gradients));

      assertThat(device.keySet()).isEqualTo(host.keySet());
      host.forEach(
          (pool, expected) -> {
            for (int i = 0; i < expected.length; i++) {
              assertThat(device.get(pool)[i])
                  .as("%s %d", pool, i)
                  .isEqualTo(expected[i], within(1e-5f * max(expected)));
            }
          });
    }
  }

  /**
   * On a trained model, scores rank units as leaving one out does, better than norms and chance.
   * Both are means over the same batches of the squared change of the loss.
   */
  @Test
  void scoresRankUnitsAsLeavingThemOutDoes() {
    VitWeights trained = TrainedTinyVit.weights();
    Map<Pool, double[]> taylor = new LinkedHashMap<>();
    Map<Pool, double[]> leftOut = new LinkedHashMap<>();
    try (VitEngine engine = VitEngine.reference();
        VitModel model = VitModel.trainable(TrainedTinyVit.TENSORS, trained);
        AdamW optimizer = engine.newOptimizer(model, AdamWSettings.withDecay(0))) {
      LiveUnits all = new LiveUnits(SHAPE);
      all.pools()
          .forEach(
              pool -> {
                taylor.put(pool, new double[pool.width(SHAPE)]);
                leftOut.put(pool, new double[pool.width(SHAPE)]);
              });
      for (int[] batch : batches()) {
        try (NDManager manager = TrainedTinyVit.TENSORS.newManager()) {
          backward(engine, model, manager, Gates.NONE, batch);
          scores(model, manager, NONE).forEach((pool, values) -> add(taylor.get(pool), values));
          optimizer.zeroGradients();
        }
        double loss = loss(engine, model, all, batch);

        for (Pool pool : all.pools()) {
          for (int unit = 0; unit < pool.width(SHAPE); unit++) {
            LiveUnits without = all.copy();
            without.remove(pool, List.of(unit));
            double change = loss(engine, model, without, batch) - loss;
            leftOut.get(pool)[unit] += change * change;
          }
        }
      }
    }
    Map<UnitKind, Double> ours = byKind(taylor, leftOut);
    Map<UnitKind, Double> norms =
        byKind(ofImportance(importance(new Magnitude(), trained)), leftOut);
    Map<UnitKind, Double> chance =
        byKind(ofImportance(importance(new RandomUnits(), trained)), leftOut);

    assertThat(ours)
        .as("Taylor %s, norms %s, chance %s", ours, norms, chance)
        .allSatisfy(
            (kind, correlation) -> {
              assertThat(correlation).as("%s", kind).isGreaterThanOrEqualTo(0.6);
              assertThat(correlation).as("%s", kind).isGreaterThan(chance.get(kind));
            });
    assertThat(mean(ours)).isGreaterThan(mean(norms));
  }

  // ---- helpers ----

  private static List<int[]> batches() {
    return IntStream.range(0, 5)
        .mapToObj(b -> IntStream.range(b * 32, b * 32 + 32).toArray())
        .toList();
  }

  private static Gates openGates(NDManager manager) {
    List<Gates.Block> blocks = new ArrayList<>();
    for (BlockShape shape : SHAPE.blocks()) {
      blocks.add(
          new Gates.Block(
              null,
              open(manager, shape.heads()),
              open(manager, shape.heads(), shape.qkWidth()),
              open(manager, shape.heads(), shape.vWidth()),
              open(manager, shape.mlpHidden())));
    }
    return new Gates(open(manager, SHAPE.embedding()), null, blocks);
  }

  private static NDArray open(NDManager manager, long... shape) {
    NDArray gate = manager.ones(new Shape(shape));
    gate.setRequiresGradient(true);
    return gate;
  }

  private static void backward(
      VitEngine engine, VitModel model, NDManager manager, Gates gates, int[] indices) {
    ImageDataset dataset = TrainedTinyVit.DATASET;
    long[] labels = new long[indices.length];
    int[] classes = dataset.labels(dataset.test(), indices);
    for (int i = 0; i < labels.length; i++) {
      labels[i] = classes[i];
    }
    engine.backward(
        model,
        NvitTest.images(manager, indices),
        manager.create(labels),
        Objective.CROSS_ENTROPY,
        null,
        gates);
  }

  private static Map<Pool, float[]> scores(VitModel model, NDManager manager, Divisors divisors) {
    try (GradientMode off = GradientMode.off();
        NDManager step = manager.newSubManager()) {
      return TaylorScores.of(SHAPE, divisors, new GradientProducts(model, step));
    }
  }

  private static double loss(VitEngine engine, VitModel model, LiveUnits units, int[] indices) {
    try (NDManager manager = TrainedTinyVit.TENSORS.newManager()) {
      Gates gates = Masks.gates(manager, units.plan());

      float[] scores =
          engine
              .logits(model, NvitTest.images(manager, indices), gates)
              .logSoftmax(1)
              .toFloatArray();
      int[] labels = TrainedTinyVit.DATASET.labels(TrainedTinyVit.DATASET.test(), indices);
      double sum = 0;
      for (int i = 0; i < labels.length; i++) {
        sum -= scores[i * SHAPE.classes() + labels[i]];
      }
      return sum / labels.length;
    }
  }

  /** Sums over all axes but the last of weight times gradient. */
  private static float[] columns(VitModel model, String name) {
    return new HostProducts(model.weights().tensors(), Map.of(name, model.gradient(name)))
        .columns(name);
  }

  private static double[] doubles(NDArray gate) {
    try (NDArray gradient = gate.getGradient()) {
      float[] values = gradient.toFloatArray();
      return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
    }
  }

  private static void add(double[] sums, float[] terms) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] += terms[i];
    }
  }

  private static void subtract(double[] sums, float[] terms) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] -= terms[i % terms.length];
    }
  }

  private static void assertSquares(float[] scores, double[] derivatives) {
    float largest = max(scores);
    assertThat(largest).isPositive();
    for (int i = 0; i < scores.length; i++) {
      assertThat((double) scores[i])
          .as("unit %d", i)
          .isEqualTo(derivatives[i] * derivatives[i], within(1e-5 * largest));
    }
  }

  private static float max(float[] values) {
    float max = 0;
    for (float value : values) {
      max = Math.max(max, Math.abs(value));
    }
    return max;
  }

  private static Importance importance(PruningMethod method, VitWeights weights) {
    try (Search search = method.search(SearchRequest.of(weights, Map.of(), 1))) {
      search.step();
      return search.result().importance();
    }
  }

  private static Map<Pool, double[]> ofImportance(Importance importance) {
    Map<Pool, double[]> scores = new LinkedHashMap<>();
    Pool.of(SHAPE).forEach(pool -> scores.put(pool, pool.scores(importance)));
    return scores;
  }

  /** Spearman's correlation over all units of a kind, blocks together. */
  private static Map<UnitKind, Double> byKind(
      Map<Pool, double[]> scores, Map<Pool, double[]> truth) {
    Map<UnitKind, Double> correlations = new EnumMap<>(UnitKind.class);
    for (UnitKind kind : UnitKind.WIDTHS) {
      List<Double> a = new ArrayList<>();
      List<Double> b = new ArrayList<>();
      for (Pool pool : scores.keySet()) {
        if (pool.kind() == kind) {
          for (int i = 0; i < scores.get(pool).length; i++) {
            a.add(scores.get(pool)[i]);
            b.add(truth.get(pool)[i]);
          }
        }
      }
      correlations.put(kind, spearman(a, b));
    }
    return correlations;
  }

  private static double spearman(List<Double> a, List<Double> b) {
    int[] x = ranks(a);
    int[] y = ranks(b);
    double squares = 0;
    for (int i = 0; i < x.length; i++) {
      squares += Math.pow(x[i] - y[i], 2);
    }
    double n = x.length;
    return 1 - 6 * squares / (n * (n * n - 1));
  }

  private static int[] ranks(List<Double> values) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, values.size()).boxed().toList());
    order.sort(Comparator.comparingDouble(values::get));
    int[] ranks = new int[values.size()];
    for (int rank = 0; rank < ranks.length; rank++) {
      ranks[order.get(rank)] = rank;
    }
    return ranks;
  }

  private static double mean(Map<UnitKind, Double> values) {
    return values.values().stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }
}
