package dev.espalier.pruning.patchslimming;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.patchslimming.PatchSlimmingSettings.Criterion;
import dev.espalier.pruning.sparsity.GateTrials;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/** What slimmed blocks compute, {@code methods/patch-slimming.md} §10. */
class SlimBlocksTest {

  private static final VitArchitecture SHAPE = TrainedTinyVit.SHAPE;
  private static final VitWeights WEIGHTS = TrainedTinyVit.weights();
  private static final Calibration CALIBRATION =
      new Calibration(TrainedTinyVit.IMAGES, WEIGHTS, 64, 32, 5);
  private static final TokenSets ALL = TokenSets.all(SHAPE);

  @AfterAll
  static void close() {
    CALIBRATION.close();
  }

  /** §10.1, §10.2: queries and MLP rows do not depend on one another. */
  @Test
  void lessQueriesGiveTheSameRows() {
    List<Integer> some = List.of(0, 2, 3, 9, 16);
    float[] whole = block(ALL.with(2, range(17)), 2); // (B, 17, d)
    float[] rows = block(ALL.with(2, some), 2);
    for (int i = 0; i < 5; i++) {
      for (int k = 0; k < some.size(); k++) {
        float[] expected =
            Arrays.copyOfRange(whole, (i * 17 + some.get(k)) * 32, (i * 17 + some.get(k) + 1) * 32);
        float[] found = Arrays.copyOfRange(rows, (i * 5 + k) * 32, (i * 5 + k + 1) * 32);
        assertThat(GateTrials.distance(expected, found)).isLessThan(1e-5f);
      }
    }
    assertThat(GateTrials.distance(logits(ALL), logits(ALL.with(2, range(17))))).isLessThan(1e-5f);
  }

  /** §10.3: less keys give another function. */
  @Test
  void lessKeysGiveOtherScores() {
    TokenSets fewer = ALL.with(1, List.of(0, 2, 3, 9, 16));
    assertThat(GateTrials.distance(logits(ALL), logits(fewer))).isGreaterThan(1e-3f);
  }

  /** §10.14. */
  @Test
  void tokensAreReallyGone() {
    TokenSets sets = ALL.with(0, List.of(0, 1, 2, 3, 4, 5, 6)).with(1, List.of(0, 3, 5));
    Map<String, Shape> seen = new HashMap<>();
    try (NDManager manager = TrainedTinyVit.TENSORS.newManager();
        GradientMode off = GradientMode.off();
        VitModel model = VitModel.frozen(TrainedTinyVit.TENSORS, Cut.apply(WEIGHTS, sets.plan()))) {
      VitForward.logits(
          model,
          manager.ones(new Shape(1, 1, 8, 8)),
          Gates.NONE,
          (name, value) -> seen.put(name, value.getShape()));
    }
    assertThat(seen.get("blocks.0.attention")).isEqualTo(new Shape(1, 4, 7, 17));
    assertThat(seen.get("blocks.1.attention")).isEqualTo(new Shape(1, 4, 3, 7));
    assertThat(seen.get("blocks.2.attention")).isEqualTo(new Shape(1, 4, 1, 3));
    assertThat(seen.get("blocks.2")).isEqualTo(new Shape(1, 1, 32));
  }

  /** §10.9. */
  @Test
  void onlyTheBlockThatIsPrunedLearnsAndTheErrorFalls() {
    TokenSets sets = ALL.with(1, List.of(0, 4, 7, 12));
    try (BlockPair pair = pair(sets, 1)) {
      double before = pair.error();
      double first = pair.train(CALIBRATION.batch(0), 1e-3, 1, 0);
      assertThat(pair.gradients().keySet()).allMatch(name -> name.startsWith("blocks.1."));
      for (int i = 0; i < 50; i++) {
        pair.train(CALIBRATION.batch(i % 2), 1e-3, 1, i);
      }
      assertThat(first).isPositive();
      assertThat(pair.error()).isLessThan(0.7 * before);
      Map<String, Tensor> trained = pair.trained();
      assertThat(trained).isNotEmpty();
      assertThat(trained.get("blocks.1.mlp.fc2.weight"))
          .isNotEqualTo(WEIGHTS.tensor("blocks.1.mlp.fc2.weight"));
    }
  }

  /** §10.8, as a count. */
  @Test
  void errorsFallAsTokensComeBack() {
    for (int l = 0; l < 2; l++) {
      TokenSets sets = l == 1 ? ALL : ALL.with(1, List.of(0, 4, 7, 12));
      double[] scores = scores(l, sets, Criterion.PATHS);
      int rises = 0;
      double last = Double.MAX_VALUE;
      for (int patches = sets.patches(l + 1); patches <= 16; patches++) {
        double error = error(sets.with(l, sets.grown(l, scores, patches)), l);
        rises += error > 1.05 * last ? 1 : 0;
        last = error;
      }
      assertThat(last).as("nothing dropped").isLessThan(1e-10);
      assertThat(rises).isLessThanOrEqualTo(3);
    }
  }

  /** §10.6. */
  @Test
  void scoresAreFinitePositiveAndTheSameEachTime() {
    for (Criterion criterion : Criterion.values()) {
      double[] scores = scores(0, ALL, criterion);
      assertThat(scores).hasSize(17);
      assertThat(Arrays.stream(scores)).allMatch(score -> score >= 0 && Double.isFinite(score));
      assertThat(scores(0, ALL, criterion)).isEqualTo(scores);
    }
  }

  /** §10.15: patches in another order get the same scores in that order. */
  @Test
  void positionsAreNotRenumbered() {
    List<Integer> order = new ArrayList<>(range(17).subList(1, 17));
    Collections.shuffle(order, new Random(3));
    order.add(0, 0);
    try (NDManager manager = TrainedTinyVit.TENSORS.newManager();
        GradientMode off = GradientMode.off();
        VitModel model =
            VitModel.frozen(
                TrainedTinyVit.TENSORS, new VitWeights(ALL.shape(), WEIGHTS.tensors()))) {
      int[] images = {0, 1, 2};
      NDArray straight = CALIBRATION.features(manager, -1, images, range(17));
      NDArray shuffled = CALIBRATION.features(manager, -1, images, order);
      double[] scores = Measures.of(model, 0, straight, Criterion.PATHS).toDoubleArray();
      double[] others = Measures.of(model, 0, shuffled, Criterion.PATHS).toDoubleArray();
      for (int i = 0; i < 3; i++) {
        for (int t = 0; t < 17; t++) {
          double expected = scores[i * 17 + order.get(t)];
          assertThat(others[i * 17 + t]).isCloseTo(expected, withPercentage(0.1));
        }
      }
    }
  }

  /** §10.16: the score ranks tokens as leaving each out does. */
  @Test
  void theScoreRanksTokensAsLeavingThemOutDoes() {
    double[] scores = scores(1, ALL, Criterion.PATHS);
    float[] whole = logits(ALL);
    double[] changes = new double[17];
    for (int t = 1; t < 17; t++) {
      int gone = t;
      float[] without = logits(ALL.with(1, range(17).stream().filter(i -> i != gone).toList()));
      for (int i = 0; i < whole.length; i++) {
        changes[t] += Math.pow(whole[i] - without[i], 2);
      }
    }
    double correlation =
        spearman(Arrays.copyOfRange(scores, 1, 17), Arrays.copyOfRange(changes, 1, 17));
    System.out.printf("score against leave-one-out: Spearman %.2f%n", correlation);
    assertThat(correlation).isGreaterThan(0.5);
  }

  // ---- helpers ----

  private static List<Integer> range(int end) {
    return IntStream.range(0, end).boxed().toList();
  }

  private static PatchSlimmingSettings settings(Criterion criterion) {
    return new PatchSlimmingSettings(
        0.5, 64, 2, false, 0, true, 1, false, 32, 1e-3, 1, criterion, 5);
  }

  private static double[] scores(int l, TokenSets sets, Criterion criterion) {
    return new Measures(TrainedTinyVit.TENSORS, CALIBRATION, settings(criterion))
        .scores(l, sets, WEIGHTS.tensors(), criterion);
  }

  private static double error(TokenSets sets, int l) {
    return new Measures(TrainedTinyVit.TENSORS, CALIBRATION, settings(Criterion.PATHS))
        .error(l, sets, WEIGHTS.tensors());
  }

  private static BlockPair pair(TokenSets sets, int l) {
    return new BlockPair(TrainedTinyVit.TENSORS, CALIBRATION, WEIGHTS.tensors(), sets, l);
  }

  private static float[] logits(TokenSets sets) {
    return GateTrials.logits(Cut.apply(WEIGHTS, sets.plan()), 60, manager -> Gates.NONE, false);
  }

  /** Output of one block on the features of five images. */
  private static float[] block(TokenSets sets, int l) {
    try (NDManager manager = TrainedTinyVit.TENSORS.newManager();
        GradientMode off = GradientMode.off();
        VitModel model =
            VitModel.frozen(
                TrainedTinyVit.TENSORS, new VitWeights(sets.shape(), WEIGHTS.tensors()))) {
      NDArray entered = CALIBRATION.features(manager, l - 1, new int[] {0, 1, 2, 3, 4}, range(17));
      return new VitForward(model, Gates.NONE, (name, value) -> {})
          .block(l, entered)
          .toFloatArray();
    }
  }

  private static double spearman(double[] a, double[] b) {
    double[] ranksA = ranks(a);
    double[] ranksB = ranks(b);
    double squares = 0;
    for (int i = 0; i < a.length; i++) {
      squares += Math.pow(ranksA[i] - ranksB[i], 2);
    }
    double n = a.length;
    return 1 - 6 * squares / (n * (n * n - 1));
  }

  private static double[] ranks(double[] values) {
    double[] ranks = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      for (double other : values) {
        ranks[i] += other < values[i] ? 1 : 0;
      }
    }
    return ranks;
  }
}
