package dev.espalier.pruning.spvit;

import static dev.espalier.pruning.TrainedTinyVit.DATASET;
import static dev.espalier.pruning.TrainedTinyVit.IMAGES;
import static dev.espalier.pruning.TrainedTinyVit.SHAPE;
import static dev.espalier.pruning.TrainedTinyVit.TENSORS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.method.Methods;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.datasets.ImageDataset;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.ReferenceVitEngine;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.engine.VitEngine;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.sparsity.GateTrials;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.surgery.Uncut;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.Precision;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.training.DivergedException;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SpVitTest {

  private static final SpVit METHOD = new SpVit();
  private static Search.Result found;

  /** Where that search's gates ended, as a share of the base's MACs. */
  private static double reached;

  private final NDManager manager = TENSORS.newManager();

  @AfterEach
  void free() {
    manager.close();
  }

  @Test
  void withAllGatesOpenTheModelIsTheBase() {
    try (SpVitSearch search = new SpVitSearch(request(0.5, Map.of()));
        VitEngine engine = VitEngine.reference();
        VitModel base = VitModel.frozen(TENSORS, TrainedTinyVit.weights())) {
      NDArray images = images(32);
      float[] expected = engine.logits(base, images).toFloatArray();
      Supernet supernet = search.training().supernet();
      assertThat(search.training().logits(search.run(), images).toFloatArray())
          .containsExactly(expected, within(1e-6f));
      assertThat(search.training().keepRatio()).isEqualTo(1, within(1e-9));
      supernet.parameters().get("spvit.1.mixing").addi(manager.full(new Shape(), 3f));
      supernet.parameters().get("spvit.1.conv3.beta").addi(manager.full(new Shape(), 3f));
      assertThat(search.training().logits(search.run(), images).toFloatArray())
          .as("mixing and norms do not matter")
          .containsExactly(expected, within(1e-6f));
    }
  }

  @Test
  void addsGatesMixingAndNormsAndNoWeights() {
    try (SpVitSearch search = new SpVitSearch(request(0.5, Map.of()))) {
      long added = search.training().parameters().values().stream().mapToLong(NDArray::size).sum();
      int H = 4;
      int e = 16;
      int M = 64;
      assertThat(added).isEqualTo(3L * (3 + M + 9 * H + 4 * e));
      assertThat(search.model().weights().tensors().keySet())
          .isEqualTo(TrainedTinyVit.weights().tensors().keySet());
    }
  }

  @Test
  void oneValueWeightMovesAttentionAndBothConvolutions() {
    VitWeights weights = TinyVit.weights(SHAPE, 3);
    Map<String, Tensor> tensors = new LinkedHashMap<>(weights.tensors());
    float[] qkv = weights.tensor("blocks.0.attn.qkv.weight").values().clone();
    qkv[(2 * 64 + 5) * 32 + 7] += 1; // value channel 5 of the first head, input 7
    tensors.put("blocks.0.attn.qkv.weight", new Tensor(new int[] {192, 32}, qkv));
    float[] normal = TinyVit.normal(new SplittableRandom(5), 2 * 17 * 32, 0, 1);
    NDArray y = manager.create(normal, new Shape(2, 17, 32));
    List<float[]> before = branches(weights, y);
    List<float[]> after = branches(new VitWeights(SHAPE, tensors), y);
    for (int i = 0; i < 3; i++) {
      assertThat(GateTrials.distance(before.get(i), after.get(i))).isGreaterThan(1e-3f);
    }
  }

  @Test
  void aGradientReachesEveryGateMixingAndNorm() {
    // With all gates open only attention is heard, and still every gate learns.
    assertReached(AttentionKind.MSA);
    assertReached(AttentionKind.CONV3);
    assertReached(AttentionKind.CONV1);
  }

  /**
   * Draws that operator in the first block; attention behind it shows the class token what it did.
   */
  private void assertReached(AttentionKind first) {
    NDArray labels = manager.create(IntStream.range(0, 32).mapToLong(i -> i % 5).toArray());
    List<AttentionKind> kinds = List.of(first, AttentionKind.MSA, AttentionKind.MSA);
    try (SpVitSearch search = new SpVitSearch(request(0.5, Map.of()));
        GradientMode recording = GradientMode.recording()) {
      Supernet supernet = search.training().supernet();
      List<NDArray> operator = new ArrayList<>();
      List<NDArray> hidden = new ArrayList<>();
      for (int l = 0; l < 3; l++) {
        NDArray t = supernet.parameters().get("spvit." + l + ".operator");
        NDArray u = supernet.parameters().get("spvit." + l + ".hidden");
        NDArray open = Supernet.choosing(kinds.get(l), manager);
        NDArray noise = open.sub(manager.full(new Shape(), 0.5f)).mul(manager.full(new Shape(), 8));
        operator.add(GateSampling.sample(t, noise, 1));
        hidden.add(GateSampling.sample(u, manager.zeros(new Shape(64)), 1));
      }
      NDArray logits =
          supernet.logits(
              search.model(), images(32), new Supernet.Drawn(operator, hidden), BatchNorm.MOMENTUM);
      TensorEngine.backward(ReferenceVitEngine.crossEntropy(logits, labels, 0));
      supernet
          .parameters()
          .forEach(
              (name, array) -> {
                NDArray gradient = array.getGradient();
                gradient.attach(manager);
                float[] slopes = gradient.toFloatArray();
                boolean third = first == AttentionKind.CONV1 && name.equals("spvit.0.operator");
                if (Supernet.isGate(name)) {
                  for (int i = 0; i < slopes.length; i++) {
                    boolean behindClosed = third && i == 2;
                    assertThat(slopes[i] != 0).as(name + i).isEqualTo(!behindClosed);
                  }
                }
                boolean own = name.equals("spvit.0.mixing") || name.contains("0." + first.text());
                if (first.isConvolution() && own) {
                  assertThat(gradient.norm().getFloat()).as(name).isPositive();
                }
              });
    }
  }

  @Test
  void theSearchModelIsTheCutModelForEveryOperator() {
    VitWeights base = TrainedTinyVit.weights();
    Map<String, Tensor> values = randomValues(base);
    for (AttentionKind kind : AttentionKind.values()) {
      PruningPlan plan = plan(List.of(AttentionKind.MSA, kind, AttentionKind.CONV3));
      SpVitSettings settings = SpVitSettings.of(request(0.5, Map.of("calibrationBatches", 2L)));
      VitWeights weights = TinyVit.weights(SHAPE, 12);
      Materialisation materialisation = new Materialisation(IMAGES, settings);
      Map<String, Tensor> convolutions = materialisation.convolutions(weights, values, plan);
      Findings findings = new Findings(new float[3][3], new float[3][64], convolutions);
      Map<String, Tensor> brought = METHOD.brought(plan, Optional.of(findings.toBytes()));
      VitWeights uncut = Uncut.of(weights, plan, brought);
      try (VitModel model = VitModel.frozen(TENSORS, weights);
          VitModel small = VitModel.frozen(TENSORS, Cut.apply(uncut, plan));
          VitEngine fast = VitEngine.fast(TENSORS, Precision.FP32);
          GradientMode off = GradientMode.off()) {
        Supernet supernet = new Supernet(SHAPE, false, model.manager());
        supernet.set(values);
        materialisation.calibrate(model, supernet, plan);
        NDArray images = images(16);
        float[] searched =
            supernet.logits(model, images, Materialisation.chosen(plan, manager), 0).toFloatArray();
        float scale = Math.max(1, GateTrials.distance(searched, new float[searched.length]));
        assertThat(VitForward.logits(small, images, Gates.NONE).toFloatArray())
            .as(kind.text())
            .containsExactly(searched, within(1e-5f * scale));
        assertThat(fast.logits(small, images).toFloatArray())
            .containsExactly(searched, within(1e-4f * scale));
      }
      GateTrials.assertCutIsHonest(uncut, plan);
    }
  }

  @Test
  void plansMeetTheBudgetAndNameWhatIsTooSmall() {
    Search.Result result = found();
    for (TargetKind kind : TargetKind.COUNTED) {
      for (double keep : new double[] {0.8, 0.65, 0.5, 0.35}) {
        PruningPlan plan = plan(result, kind, keep, 4);
        assertThat(GateTrials.ofTarget(plan, kind, keep)).isBetween(0.99, 1.01);
        plan.blocks().forEach(block -> assertThat(block.mlp().size() % 4).isZero());
        VitWeights uncut =
            Uncut.of(result.weights().orElseThrow(), plan, METHOD.brought(plan, result.findings()));
        GateTrials.assertCutIsHonest(uncut, plan);
      }
    }
    assertThatThrownBy(() -> new SpVitSearch(request(0.05, Map.of())))
        .hasMessageContaining("keep ratio of macs must be at least 0.");
    BlockShape conv = new BlockShape(AttentionKind.CONV1, 4, 16, 16, 64);
    VitWeights convolves = TinyVit.weights(SHAPE.withWidths(32, Collections.nCopies(3, conv)), 1);
    assertThatThrownBy(
            () ->
                METHOD.search(SearchRequest.of(convolves, parameters(0.5, Map.of()), 1).on(IMAGES)))
        .hasMessage("spvit needs a base of self-attention but block 0 has conv1");
  }

  @Test
  void gatesDecideWhatGoesFirst() {
    float[][] operator = {{0.9f, 0.9f, 0.9f}, {0.9f, 0.9f, 0.1f}, {0.9f, 0.2f, 0.9f}};
    float[][] hidden = new float[3][64];
    SplittableRandom random = new SplittableRandom(5);
    for (float[] block : hidden) {
      for (int j = 0; j < 64; j++) {
        block[j] = 0.3f + 0.6f * (float) random.nextDouble();
      }
    }
    byte[] findings = new Findings(operator, hidden, Map.of()).toBytes();
    PruningPlan plan =
        METHOD.plan(PlanRequest.of(SHAPE, null, Optional.of(findings), TargetKind.MACS, 0.55, 4));
    assertThat(plan.blocks().stream().map(BlockPlan::attention))
        .containsExactly(AttentionKind.MSA, AttentionKind.CONV3, AttentionKind.CONV1);
    assertThat(plan.blocks().get(0).heads()).hasSize(4);
    for (int l = 0; l < 3; l++) {
      List<Integer> kept = plan.blocks().get(l).mlp();
      float[] p = hidden[l];
      double least = kept.stream().mapToDouble(j -> p[j]).min().orElseThrow();
      double best =
          IntStream.range(0, 64)
              .filter(j -> !kept.contains(j))
              .mapToDouble(j -> p[j])
              .max()
              .orElse(0);
      assertThat(best).isLessThanOrEqualTo(least);
    }
  }

  @Test
  void theSearchMovesTheCostToItsTarget() {
    Findings findings = Findings.fromBytes(SHAPE, found().findings().orElseThrow());
    assertThat(reached).isBetween(0.3, 0.75);
    float[] sorted = findings.hidden()[1].clone();
    Arrays.sort(sorted);
    assertThat(sorted[63] - sorted[0]).as("units differ").isGreaterThan(0.01f);
  }

  @Test
  void oneBlockKeepsItsAttentionOrTheClassTokenWouldSeeNothing() {
    Search.Result result = found();
    for (double keep : new double[] {0.5, 0.35, 0.33}) {
      PruningPlan plan = plan(result, TargetKind.MACS, keep, 4);
      assertThat(plan.blocks()).anyMatch(block -> block.attention() == AttentionKind.MSA);
    }
    byte[] closed = new Findings(new float[3][3], new float[3][64], Map.of()).toBytes();
    PruningPlan least =
        METHOD.plan(PlanRequest.of(SHAPE, null, Optional.of(closed), TargetKind.MACS, 0.33, 4));
    assertThat(least.blocks().get(2).attention()).isEqualTo(AttentionKind.MSA);
    double floor = Methods.SPVIT.floor(SHAPE, TargetKind.MACS);
    assertThatThrownBy(() -> new SpVitSearch(request(floor * 0.95, Map.of())))
        .hasMessageContaining("keep ratio of macs must be at least 0.");
    new SpVitSearch(request(floor * 1.02, Map.of())).close();
  }

  @Test
  void aResumedSearchEndsBitEqual() {
    Search.Result straight = found();
    byte[] checkpoint;
    try (SpVitSearch search = new SpVitSearch(request(0.5, Map.of()))) {
      for (int i = 0; i < 17; i++) {
        search.step();
      }
      checkpoint = search.checkpoint();
    }
    try (SpVitSearch search = new SpVitSearch(request(0.5, Map.of()).from(checkpoint))) {
      assertThat(search.steps()).isEqualTo(17);
      Search.Result resumed = GateTrials.finish(search);
      assertThat(resumed.findings().orElseThrow()).isEqualTo(straight.findings().orElseThrow());
      assertThat(resumed.importance()).isEqualTo(straight.importance());
      assertThat(resumed.weights()).isEqualTo(straight.weights());
      resumed.importance().checkFits(SHAPE);
    }
  }

  @Test
  void restartsFromTheBaseOrKeepsTheSearchedWeights() {
    assertThat(found().weights().orElseThrow()).isNotEqualTo(TrainedTinyVit.weights());
    try (SpVitSearch search =
        new SpVitSearch(request(0.5, Map.of("restart", "pretrained", "epochs", 1L)))) {
      Search.Result result = GateTrials.finish(search);
      assertThat(result.weights()).contains(TrainedTinyVit.weights());
      Findings findings = Findings.fromBytes(SHAPE, result.findings().orElseThrow());
      VitWeights base = TrainedTinyVit.weights();
      float[] proj = base.tensor("blocks.0.attn.proj.weight").values();
      float mean = 0;
      for (int h = 0; h < 4; h++) {
        mean += proj[h * 16 + 3] / 4;
      }
      assertThat(findings.convolutions().get("conv1/blocks.0.attn.proj.weight").values()[3])
          .as("all heads alike")
          .isEqualTo(mean, within(1e-6f));
    }
  }

  @Test
  void beatsRandomBeforeRecovery() {
    Search.Result result = found();
    PruningPlan plan = plan(result, TargetKind.MACS, 0.5, 8);
    double own = accuracy(result, plan);
    double chance = 0;
    for (int seed = 1; seed <= 5; seed++) {
      chance += accuracy(result, shuffled(plan, seed)) / 5;
    }
    assertThat(own).isGreaterThan(chance);
  }

  @Test
  void otherImagesLeadToAnotherPlan() {
    ImageDataset other =
        new ImageDataset(
            "others",
            1,
            8,
            5,
            DATASET.mean(),
            DATASET.std(),
            DATASET.test(),
            DATASET.validation(),
            DATASET.validation());
    SearchRequest.Images images = new SearchRequest.Images(other, TENSORS, 1, Precision.FP32);
    try (SpVitSearch search = new SpVitSearch(request(0.5, Map.of()).on(images))) {
      PruningPlan plan = plan(GateTrials.finish(search), TargetKind.MACS, 0.5, 8);
      assertThat(plan).isNotEqualTo(plan(found(), TargetKind.MACS, 0.5, 8));
    }
  }

  @Test
  void aNumericalFaultEndsTheSearchWithItsCause() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(TrainedTinyVit.weights().tensors());
    float[] broken = tensors.get("norm.weight").values().clone();
    broken[0] = Float.NaN;
    tensors.put("norm.weight", new Tensor(new int[] {32}, broken));
    try (SpVitSearch search =
        new SpVitSearch(
            SearchRequest.of(new VitWeights(SHAPE, tensors), parameters(0.5, Map.of()), 1)
                .on(IMAGES))) {
      assertThatThrownBy(search::step)
          .isInstanceOf(DivergedException.class)
          .hasMessageContaining("diverged at step 0");
    }
  }

  @Test
  void refusesAParameterOfTheWrongTypeByName() {
    assertThatThrownBy(() -> new SpVitSearch(request(0.5, Map.of("penalty", "high"))))
        .hasMessage("parameter penalty must be a number but is high");
    assertThat(Methods.SPVIT.parameter("restart").orElseThrow().accept("elsewhere")).isEmpty();
  }

  // ---- helpers ----

  /** One search at 0.5, made once. */
  private static synchronized Search.Result found() {
    if (found == null) {
      try (SpVitSearch search = new SpVitSearch(request(0.5, Map.of()))) {
        found = GateTrials.finish(search);
        reached = search.training().keepRatio();
      }
    }
    return found;
  }

  private static Map<String, Object> parameters(double keepRatio, Map<String, Object> others) {
    Map<String, Object> parameters = new HashMap<>(Methods.SPVIT.defaults());
    parameters.putAll(Map.of("epochs", 3L, "batchSize", 64L, "learningRate", 5e-4));
    parameters.putAll(Map.of("restart", "searched", "calibrationBatches", 10L));
    parameters.putAll(Map.of("targetKind", "macs", "keepRatio", keepRatio));
    parameters.putAll(others);
    return parameters;
  }

  private static SearchRequest request(double keepRatio, Map<String, Object> others) {
    return SearchRequest.of(TrainedTinyVit.weights(), parameters(keepRatio, others), 7).on(IMAGES);
  }

  private static PruningPlan plan(
      Search.Result result, TargetKind kind, double keepRatio, int alignment) {
    return METHOD.plan(
        PlanRequest.of(SHAPE, result.importance(), result.findings(), kind, keepRatio, alignment));
  }

  /** Those operators, and unequal hidden units. */
  private static PruningPlan plan(List<AttentionKind> kinds) {
    PruningPlan whole = PruningPlan.identity(SHAPE);
    List<BlockPlan> blocks = new ArrayList<>();
    for (int l = 0; l < 3; l++) {
      int stride = l + 2;
      blocks.add(
          new BlockPlan(
              true,
              kinds.get(l),
              kinds.get(l) == AttentionKind.MSA ? whole.blocks().get(l).heads() : List.of(),
              IntStream.range(0, 64).filter(j -> j % stride != 0).boxed().toList()));
    }
    return new PruningPlan(SHAPE, whole.embedding(), blocks);
  }

  /** The same operators and widths in other places. */
  private static PruningPlan shuffled(PruningPlan plan, long seed) {
    Random random = new Random(seed);
    List<AttentionKind> kinds =
        new ArrayList<>(plan.blocks().stream().map(BlockPlan::attention).toList());
    Collections.shuffle(kinds, random);
    PruningPlan whole = PruningPlan.identity(SHAPE);
    List<BlockPlan> blocks = new ArrayList<>();
    for (int l = 0; l < 3; l++) {
      List<Integer> units = new ArrayList<>(IntStream.range(0, 64).boxed().toList());
      Collections.shuffle(units, random);
      blocks.add(
          new BlockPlan(
              true,
              kinds.get(l),
              kinds.get(l) == AttentionKind.MSA ? whole.blocks().get(l).heads() : List.of(),
              units.subList(0, plan.blocks().get(l).mlp().size()).stream().sorted().toList()));
    }
    return new PruningPlan(SHAPE, whole.embedding(), blocks);
  }

  private static double accuracy(Search.Result result, PruningPlan plan) {
    Map<String, Tensor> brought = METHOD.brought(plan, result.findings());
    return GateTrials.accuracy(Uncut.of(result.weights().orElseThrow(), plan, brought), plan);
  }

  /** Values of the search model drawn from a seed. */
  private Map<String, Tensor> randomValues(VitWeights base) {
    try (VitModel model = VitModel.frozen(TENSORS, base)) {
      Map<String, Tensor> values =
          new LinkedHashMap<>(new Supernet(SHAPE, false, model.manager()).values());
      SplittableRandom random = new SplittableRandom(31);
      values.replaceAll(
          (name, tensor) -> {
            boolean mixing = name.endsWith("mixing");
            double mean = name.endsWith("beta") || name.endsWith("mean") ? 0 : 1;
            return new Tensor(
                tensor.shape(),
                TinyVit.normal(random, tensor.values().length, mean, mixing ? 0.01 : 0.1));
          });
      return values;
    }
  }

  private List<float[]> branches(VitWeights weights, NDArray y) {
    try (VitModel model = VitModel.frozen(TENSORS, weights);
        GradientMode off = GradientMode.off()) {
      SinglePath path =
          new SinglePath(model, 0, y, manager.ones(new Shape(4, SinglePath.NEIGHBOURS)));
      return List.of(
          path.attention().toFloatArray(),
          path.conv3(new BatchNorm(16, manager), 0).toFloatArray(),
          path.conv1(new BatchNorm(16, manager), 0).toFloatArray());
    }
  }

  private NDArray images(int count) {
    int[] indices = IntStream.range(0, count).toArray();
    return manager.create(DATASET.batch(DATASET.test(), indices)).reshape(count, 1, 8, 8);
  }
}
