package dev.espalier.pruning.dynamicvit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.Augmentation;
import dev.espalier.datasets.EpochOrder;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.datasets.Split;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.evaluation.CountedMacs;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.surgery.Masks;
import dev.espalier.pruning.surgery.Uncut;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.training.TrainingRecipe;
import dev.espalier.pruning.training.TrainingRun;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DynamicVitTest {

  private static final TensorEngine TENSORS = TrainedTinyVit.TENSORS;
  private static final VitArchitecture SHAPE = TrainedTinyVit.SHAPE;
  private static final List<Integer> BLOCKS = List.of(1, 2);
  private static final int N = SHAPE.patches();

  private final NDManager manager = TENSORS.newManager();

  @AfterEach
  void free() {
    manager.close();
  }

  @Test
  void withAllPatchesKeptTheModelIsTheBase() {
    Stages whole = new Stages(BLOCKS, 1, List.of(N, N));
    VitWeights sparse = withPredictors(whole, 3);
    try (VitModel base = VitModel.frozen(TENSORS, TrainedTinyVit.weights());
        VitModel model = VitModel.frozen(TENSORS, sparse);
        GradientMode off = GradientMode.off()) {
      NDArray images = images(0, 32);
      NDArray expected = VitForward.logits(base, images, Gates.NONE);

      assertClose(VitForward.logits(model, images, Gates.NONE), expected, 1e-6);
      NDArray noise = forced(32, List.of(range(N), range(N)));
      assertClose(SparsePass.of(model, images, noise, 1e-6).logits(), expected, 1e-5);
    }
  }

  @Test
  void maskingInTrainingEqualsGatheringTheSameTokens() {
    List<Integer> first = List.of(0, 2, 3, 7, 8, 11, 14);
    List<Integer> second = List.of(2, 8, 11);
    List<BlockShape> blocks = new ArrayList<>(SHAPE.blocks());
    blocks.set(1, blocks.get(1).with(new TokenRule.Enter(positions(first))));
    blocks.set(2, blocks.get(2).with(new TokenRule.Enter(positions(second))));
    VitWeights gathered =
        new VitWeights(SHAPE.withWidths(32, blocks), TrainedTinyVit.weights().tensors());
    try (VitModel reference = VitModel.frozen(TENSORS, gathered);
        VitModel model = VitModel.frozen(TENSORS, withPredictors(stages(0.6), 3));
        GradientMode off = GradientMode.off()) {
      NDArray images = images(0, 16);
      NDArray expected = VitForward.logits(reference, images, Gates.NONE);
      NDArray noise = forced(16, List.of(first, second));

      SparsePass exact = SparsePass.of(model, images, noise, 0);
      assertClose(exact.logits(), expected, 1e-5);
      assertClose(SparsePass.of(model, images, noise, 1e-6).logits(), expected, 1e-4);
      assertThat(exact.decisions().get(0).sum().getFloat()).isEqualTo(16 * 7);
    }
  }

  @Test
  void aDroppedTokenInfluencesNobodyAndTokensHaveNoOrder() {
    try (VitModel model = VitModel.frozen(TENSORS, TrainedTinyVit.weights());
        GradientMode off = GradientMode.off()) {
      VitForward forward = new VitForward(model, Gates.NONE, (name, value) -> {});
      NDArray x = forward.embed(images(0, 4)); // (4, 17, 32)
      NDArray keys = manager.ones(new Shape(17));
      keys.set(new ai.djl.ndarray.index.NDIndex("5"), 0f);
      NDArray other = x.duplicate();
      other.set(new ai.djl.ndarray.index.NDIndex(":, 5"), 7f);

      NDArray before = forward.block(1, x, keys, 0);
      NDArray after = forward.block(1, other, keys, 0);
      // Not bit-equal: a softmax subtracts the greatest score of all, dropped ones included.
      assertClose(after.get(":, :5"), before.get(":, :5"), 1e-6);
      assertClose(after.get(":, 6:"), before.get(":, 6:"), 1e-6);
      assertThat(after.sub(before).abs().max().getFloat()).isGreaterThan(1);

      NDArray flipped = forward.block(1, x.flip(1), null, 0).flip(1);
      assertClose(flipped, forward.block(1, x, null, 0), 1e-5);
    }
  }

  @Test
  void everyPredictorGetsAGradientFromEachLossAloneAndTheTeacherNone() {
    for (boolean ratio : new boolean[] {true, false}) {
      try (VitModel model = VitModel.trainable(TENSORS, withPredictors(stages(0.6), 3));
          VitModel teacher = VitModel.frozen(TENSORS, TrainedTinyVit.weights());
          GradientMode recording = GradientMode.recording()) {
        NDArray images = images(0, 32);
        NDArray noise = Decision.noise(manager, 1, 1, new Shape(2, 32, N, 2));
        SparsePass pass = SparsePass.of(model, images, noise, 1e-6);
        SparsePass guide = SparsePass.dense(teacher, images);
        NDArray labels = manager.create(labels(0, 32));
        Losses losses =
            Losses.of(pass, guide, labels, List.of(0.6, 0.36), new Losses.Weights(0, 0, 1));
        TensorEngine.backward(ratio ? losses.ratio() : losses.classification());

        for (int l : BLOCKS) {
          for (String layer : List.of("norm", "embed", "score1", "score2", "score3")) {
            Tensor gradient = model.gradient("blocks." + l + ".predictor." + layer + ".weight");
            assertThat(norm(gradient)).as("block %d %s", l, layer).isGreaterThan(0);
          }
        }
        assertThat(teacher.parameters().values()).noneMatch(parameter -> parameter.hasGradient());
      }
    }
  }

  @Test
  void decisionsAreDrawnWithTheirProbabilityAndNeverGrow() {
    NDArray scores =
        manager.create(new float[] {0.3f, 0.7f}).log().reshape(1, 1, 2).broadcast(1, 20_000, 2);
    NDArray noise = Decision.noise(manager, 5, 9, new Shape(1, 20_000, 2));
    float[] kept = Decision.next(scores, noise, manager.ones(new Shape(1, 20_000))).toFloatArray();
    double share = 0;
    for (float k : kept) {
      assertThat(k == 0 || k == 1).isTrue();
      share += k / kept.length;
    }
    assertThat(share).isEqualTo(0.3, within(3 * Math.sqrt(0.3 * 0.7 / 20_000)));

    try (VitModel model = VitModel.frozen(TENSORS, withPredictors(stages(0.6), 3));
        GradientMode off = GradientMode.off()) {
      NDArray both = Decision.noise(manager, 5, 10, new Shape(2, 32, N, 2));
      SparsePass pass = SparsePass.of(model, images(0, 32), both, 1e-6);
      float[] grown = pass.decisions().get(1).sub(pass.decisions().get(0)).toFloatArray();
      for (float g : grown) {
        assertThat(g).isLessThanOrEqualTo(0);
      }
    }
  }

  @Test
  void anImageWithoutAnyPatchLeftStaysFinite() {
    try (VitModel model = VitModel.frozen(TENSORS, withPredictors(stages(0.6), 3));
        GradientMode off = GradientMode.off()) {
      NDArray noise = forced(4, List.of(List.of(), List.of()));
      SparsePass pass = SparsePass.of(model, images(0, 4), noise, 1e-6);
      for (float score : pass.logits().toFloatArray()) {
        assertThat(Float.isFinite(score)).isTrue();
      }
      assertThat(pass.lastDecision().sum().getFloat()).isZero();
    }
  }

  @Test
  void plansMeetTheirBudgetPredictorsIncludedAndAreWhatRuns() {
    VitArchitecture deep = VitArchitecture.uniform(28, 4, 1, 10, 48, 6, 4, 192);
    for (double keep : new double[] {0.95, 0.8, 0.65, 0.5}) {
      Stages stages = Stages.solve(deep, Stages.places(6, 3), TargetKind.MACS, keep, 1);
      PruningPlan plan = stages.plan(deep);
      assertThat(plan.cost().keepRatio(Cost.of(deep), TargetKind.MACS) / keep)
          .isBetween(0.99, 1.01);
      VitWeights uncut = TinyVit.weights(plan.uncutArchitecture(), 4);
      try (VitModel full = VitModel.frozen(TENSORS, uncut);
          VitModel small = VitModel.frozen(TENSORS, Cut.apply(uncut, plan));
          GradientMode off = GradientMode.off()) {
        assertThat(CountedMacs.of(TENSORS, small)).isEqualTo(plan.cost().macs());
        NDArray images = manager.randomNormal(new Shape(3, 1, 28, 28));
        assertClose(
            VitForward.masked(full, images, Masks.gates(manager, plan)),
            VitForward.logits(small, images, Gates.NONE),
            1e-4);
      }
    }
  }

  @Test
  void theKeepRateOfThePaperFollowsFromItsCost() {
    VitArchitecture small = VitArchitecture.uniform(224, 16, 3, 1000, 384, 12, 6, 1536);
    Stages paper = new Stages(List.of(3, 6, 9), 0.7, List.of(137, 96, 67));
    Cost cost = paper.plan(small).cost();
    assertThat(cost.macs() / 1e9).isEqualTo(2.878 + 0.103, within(0.002));

    Stages solved =
        Stages.solve(
            small,
            List.of(3, 6, 9),
            TargetKind.MACS,
            cost.keepRatio(Cost.of(small), TargetKind.MACS),
            1);
    assertThat(solved.rho()).isEqualTo(0.7, within(0.01));
    assertThat(solved.patches()).isEqualTo(paper.patches());
  }

  @Test
  void targetsThatCannotBeMetAreRefused() {
    assertThatThrownBy(() -> Stages.solve(SHAPE, BLOCKS, TargetKind.PARAMS, 0.5, 1))
        .hasMessage(
            "dynamicvit removes no parameters: its target must be of macs but is of params");
    assertThatThrownBy(() -> Stages.solve(SHAPE, BLOCKS, TargetKind.MACS, 0.3, 1))
        .hasMessageMatching(
            "keep ratio of macs must be at least 0\\.\\d+ with predictors before blocks \\[1, 2\\]"
                + " but is 0\\.3");
    assertThatThrownBy(() -> Stages.places(1, 3)).hasMessageContaining("at least 2 blocks");
    VitArchitecture sparse = stages(0.8).plan(SHAPE).cutArchitecture();
    assertThatThrownBy(() -> Stages.solve(sparse, BLOCKS, TargetKind.MACS, 0.8, 1))
        .hasMessageContaining("needs a base that drops no tokens but block 1 has Select");
  }

  @Test
  void aSearchIsRepeatableResumesBitEqualAndGivesAModelThatRuns() {
    Search.Result straight = result(search(1, Map.of("frozenEpochs", 0L)));
    byte[] checkpoint;
    try (DynamicVitSearch search = search(1, Map.of("frozenEpochs", 0L))) {
      for (int i = 0; i < 13; i++) {
        search.step();
      }
      checkpoint = search.checkpoint();
    }
    Search.Result resumed =
        result(new DynamicVitSearch(request(1, Map.of("frozenEpochs", 0L)).from(checkpoint)));

    assertThat(resumed.findings().orElseThrow()).isEqualTo(straight.findings().orElseThrow());
    assertThat(resumed.weights()).isEqualTo(straight.weights());
    VitWeights weights = straight.weights().orElseThrow();
    VitWeights base = TrainedTinyVit.weights();
    assertThat(weights.architecture()).isEqualTo(SHAPE);
    for (String frozen : List.of("cls_token", "pos_embed")) {
      assertThat(weights.tensor(frozen)).isEqualTo(base.tensor(frozen));
    }
    assertThat(weights.tensor("head.weight")).isNotEqualTo(base.tensor("head.weight"));

    VitWeights cut = cut(straight, 0.7);
    float[] predictor = cut.tensor("blocks.1.predictor.embed.weight").values().clone();
    TrainingRecipe recipe =
        new TrainingRecipe(
            1, 64, 1e-3, 0.05, 0, 0, 1, 0, 1, Augmentation.NONE, Precision.FP32, 1, 0);
    try (VitEngine engine = VitEngine.fast(TENSORS, Precision.FP32);
        VitModel model = VitModel.trainable(TENSORS, cut);
        TrainingRun run =
            TrainingRun.of(TENSORS, engine, model, TrainedTinyVit.DATASET, recipe).start()) {
      run.step();
      assertThat(model.weights().tensor("blocks.1.predictor.embed.weight").values())
          .as("recovery leaves predictors alone")
          .isEqualTo(predictor);
      assertThat(model.weights().tensor("head.weight")).isNotEqualTo(cut.tensor("head.weight"));
    }
  }

  @Test
  void theBackboneWaitsWhilePredictorsLearn() {
    try (DynamicVitSearch search = search(2, Map.of("frozenEpochs", 2L))) {
      VitWeights before = search.model().weights();
      search.step();
      search.step();
      VitWeights after = search.model().weights();
      assertThat(after.tensor("head.weight")).isEqualTo(before.tensor("head.weight"));
      assertThat(after.tensor("blocks.2.predictor.score3.weight"))
          .isNotEqualTo(before.tensor("blocks.2.predictor.score3.weight"));
    }
  }

  @Test
  void trainingDrivesKeptSharesToTheKeepRateAndLeavesOutEmptyPatches() {
    List<List<Double>> shares = List.of(new ArrayList<>(), new ArrayList<>());
    Search.Result found;
    Stages stages;
    SearchRequest request =
        request(10, Map.of("learningRate", 1e-2, "ratioWeight", 10.0))
            .on(new SearchRequest.Images(HALF_EMPTY, TENSORS, 1, Precision.FP32));
    try (DynamicVitSearch search = new DynamicVitSearch(request)) {
      while (!search.finished()) {
        search.step();
        for (int s = 0; s < 2; s++) {
          shares.get(s).add(search.sparsification().seen().get("kept_share_stage_" + (s + 1)));
        }
      }
      found = search.result();
      stages = search.stages();
    }
    for (int s = 0; s < 2; s++) {
      List<Double> all = shares.get(s);
      double late =
          all.subList(all.size() - 60, all.size()).stream().mapToDouble(d -> d).average().orElse(0);
      assertThat(late).isEqualTo(stages.keepRates().get(s), within(0.02));
    }
    VitWeights cut = cut(found, 0.7);
    assertThat(emptyShare(cut)).as("half the patches are black").isLessThan(0.5);
    keptSetsFollowTheImageAlone(cut);
  }

  /** The patterns with 8 of 16 patches black, others in each image. */
  private static final ImageDataset HALF_EMPTY = halfEmpty(TrainedTinyVit.DATASET);

  private static ImageDataset halfEmpty(ImageDataset whole) {
    return new ImageDataset(
        "half-empty",
        1,
        8,
        whole.classes(),
        whole.mean(),
        whole.std(),
        halfEmpty(whole.train(), 1),
        halfEmpty(whole.validation(), 2),
        halfEmpty(whole.test(), 3));
  }

  private static Split halfEmpty(Split split, long seed) {
    byte[] images = split.images().clone();
    for (int n = 0; n < split.size(); n++) {
      int[] order = EpochOrder.of(N, seed, n);
      for (int i = 0; i < N / 2; i++) {
        int at = n * 64 + order[i] / 4 * 16 + order[i] % 4 * 2;
        for (int pixel : new int[] {at, at + 1, at + 8, at + 9}) {
          images[pixel] = 0;
        }
      }
    }
    return new Split(images, split.labels());
  }

  private void keptSetsFollowTheImageAlone(VitWeights cut) {
    try (VitModel model = VitModel.frozen(TENSORS, cut);
        GradientMode off = GradientMode.off()) {
      NDArray images = images(0, 48);
      NDArray logits = VitForward.logits(model, images, Gates.NONE);
      NDArray alone = VitForward.logits(model, images.get("7:8"), Gates.NONE);
      assertClose(alone, logits.get("7:8"), 1e-5);
      NDArray turned = VitForward.logits(model, images.flip(0), Gates.NONE).flip(0);
      assertClose(turned, logits, 1e-5);
      Set<List<Long>> sets = new HashSet<>();
      VitForward.logits(
          model,
          images,
          Gates.NONE,
          (name, value) -> {
            if (name.equals("blocks.1.predictor")) {
              NDArray best = VitForward.odds(value).topK(5, 1, true, true).get(1).sort(1);
              long[] places = best.toLongArray();
              for (int i = 0; i < 48; i++) {
                sets.add(Arrays.stream(places, i * 5, i * 5 + 5).boxed().toList());
              }
            }
          });
      assertThat(sets).as("not one static set").hasSizeGreaterThan(1);
    }
  }

  // ---- helpers ----

  private static Stages stages(double keepRatio) {
    return Stages.solve(SHAPE, BLOCKS, TargetKind.MACS, keepRatio < 0.7 ? 0.7 : keepRatio, 1);
  }

  private static VitWeights withPredictors(Stages stages, long seed) {
    PruningPlan plan = stages.plan(SHAPE);
    return Uncut.of(
        TrainedTinyVit.weights(),
        plan,
        Predictors.of(TinyVit.weights(plan.uncutArchitecture(), seed)).tensors());
  }

  private static SearchRequest request(int epochs, Map<String, Object> other) {
    Map<String, Object> parameters = new HashMap<>(Methods.DYNAMIC_VIT.defaults());
    parameters.put("epochs", (long) epochs);
    parameters.put("batchSize", 32L);
    parameters.put("targetKind", "macs");
    parameters.put("keepRatio", 0.7);
    parameters.putAll(other);
    return SearchRequest.of(TrainedTinyVit.weights(), parameters, 7).on(TrainedTinyVit.IMAGES);
  }

  private static DynamicVitSearch search(int epochs, Map<String, Object> other) {
    return new DynamicVitSearch(request(epochs, other));
  }

  private static Search.Result result(DynamicVitSearch search) {
    try (search) {
      while (!search.finished()) {
        search.step();
      }
      return search.result();
    }
  }

  private static VitWeights cut(Search.Result result, double keepRatio) {
    DynamicVit method = new DynamicVit();
    PruningPlan plan =
        method.plan(
            PlanRequest.of(
                SHAPE, result.importance(), result.findings(), TargetKind.MACS, keepRatio, 1));
    assertThat(plan.cost().keepRatio(Cost.of(SHAPE), TargetKind.MACS) / keepRatio)
        .isBetween(0.98, 1.02);
    return Cut.apply(
        Uncut.of(result.weights().orElseThrow(), plan, method.brought(plan, result.findings())),
        plan);
  }

  /** Share of black patches among those that the first predictor keeps, over all test images. */
  private double emptyShare(VitWeights weights) {
    int images = HALF_EMPTY.test().size();
    int[] all = IntStream.range(0, images).toArray();
    long[] empty = new long[1];
    long[] kept = new long[1];
    try (VitModel model = VitModel.frozen(TENSORS, weights);
        GradientMode off = GradientMode.off()) {
      int K = ((TokenRule.Select) weights.architecture().blocks().get(1).tokens()).patches();
      VitForward.logits(
          model,
          manager.create(HALF_EMPTY.batch(HALF_EMPTY.test(), all)).reshape(images, 1, 8, 8),
          Gates.NONE,
          (name, value) -> {
            if (name.equals("blocks.1.predictor")) {
              long[] places = VitForward.odds(value).topK(K, 1, true, true).get(1).toLongArray();
              for (int n = 0; n < images; n++) {
                Set<Integer> black = new HashSet<>();
                int[] order = EpochOrder.of(N, 3, n);
                for (int i = 0; i < N / 2; i++) {
                  black.add(order[i]);
                }
                for (int k = 0; k < K; k++) {
                  kept[0]++;
                  empty[0] += black.contains((int) places[n * K + k]) ? 1 : 0;
                }
              }
            }
          });
    }
    return (double) empty[0] / kept[0];
  }

  private NDArray images(int from, int to) {
    int[] indices = IntStream.range(from, to).toArray();
    return manager
        .create(TrainedTinyVit.DATASET.batch(TrainedTinyVit.DATASET.test(), indices))
        .reshape(indices.length, 1, 8, 8);
  }

  private static long[] labels(int from, int to) {
    int[] indices = IntStream.range(from, to).toArray();
    return Arrays.stream(TrainedTinyVit.DATASET.labels(TrainedTinyVit.DATASET.test(), indices))
        .asLongStream()
        .toArray();
  }

  /** Noise that outweighs any score: at each stage these patches stay. */
  private NDArray forced(int images, List<List<Integer>> kept) {
    float[] noise = new float[kept.size() * images * N * 2];
    for (int s = 0; s < kept.size(); s++) {
      for (int b = 0; b < images; b++) {
        for (int i = 0; i < N; i++) {
          noise[((s * images + b) * N + i) * 2] = kept.get(s).contains(i) ? 1000 : -1000;
        }
      }
    }
    return manager.create(noise, new Shape(kept.size(), images, N, 2));
  }

  private static List<Integer> range(int size) {
    return IntStream.range(0, size).boxed().toList();
  }

  private static List<Integer> positions(List<Integer> patches) {
    List<Integer> positions = new ArrayList<>(Collections.singleton(0));
    patches.forEach(patch -> positions.add(patch + 1));
    return positions;
  }

  private static double norm(Tensor tensor) {
    double squares = 0;
    for (float value : tensor.values()) {
      squares += value * value;
    }
    return Math.sqrt(squares);
  }

  private static void assertClose(NDArray found, NDArray expected, double tolerance) {
    assertThat(found.sub(expected).abs().max().getFloat()).isLessThan((float) tolerance);
  }
}
