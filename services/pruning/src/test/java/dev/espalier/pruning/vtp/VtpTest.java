package dev.espalier.pruning.vtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.sparsity.Folding;
import dev.espalier.pruning.sparsity.GateTraining;
import dev.espalier.pruning.sparsity.GateTrials;
import dev.espalier.pruning.sparsity.SparsitySearch;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code methods/vtp.md} §11 and §13. */
class VtpTest {

  private static final VitArchitecture SHAPE = TrainedTinyVit.SHAPE;
  private static final Vtp VTP = new Vtp();
  private static final VtpGates GATES = new VtpGates(SHAPE, 0.1);

  @Test
  void startsAtTheBaseAndReachesEveryGate() {
    try (SparsitySearch search = new SparsitySearch(request(Map.of()), GATES)) {
      float[] soft = logits(TrainedTinyVit.weights(), search.gates().values());
      assertThat(GateTrials.distance(soft, logits(TrainedTinyVit.weights(), null)))
          .isLessThan(1e-6f);

      search.step();

      int moved = 0;
      int all = 0;
      for (Tensor value : search.gates().values().values()) {
        for (float v : value.values()) {
          moved += v != 1 ? 1 : 0;
          all++;
        }
      }
      assertThat(all).isEqualTo(3 * (32 + 64 + 32 + 64));
      assertThat(moved).isEqualTo(all);
    }
  }

  /** §13 b: lambda * sign(a), sign(0) = 0. */
  @Test
  void thePenaltyAddsItsSubgradientExactly() {
    try (VitModel model = VitModel.trainable(TrainedTinyVit.TENSORS, TrainedTinyVit.weights());
        GateTraining gates = new GateTraining(GATES, 1, model)) {
      String name = "gates.blocks.1.mlp_in";
      float[] values = new float[32];
      Arrays.fill(values, 0.9f);
      values[3] = -0.05f;
      values[5] = 0;
      VitModel.assign(gates.parameters().get(name), new Tensor(new int[] {32}, values));
      GateTrials.withoutLoss(gates);

      gates.afterBackward(null);

      float[] slopes = gates.parameters().get(name).getGradient().toFloatArray();
      assertThat(slopes[0]).isEqualTo(0.1f);
      assertThat(slopes[3]).isEqualTo(-0.1f);
      assertThat(slopes[5]).isZero();
      double others = 0.1 * (3 * (32 + 64 + 32 + 64) - 32);
      assertThat(gates.penalty()).isEqualTo(others + 0.1 * (30 * 0.9 + 0.05), within(1e-5));
    }
  }

  @Test
  void foldedWeightsComputeWhatTheSoftGatesDo() {
    Map<String, Tensor> values = GateTrials.values(GATES, 4);
    VitWeights folded = GATES.fold(TrainedTinyVit.weights(), values);

    float[] soft = logits(TrainedTinyVit.weights(), values);

    assertThat(GateTrials.distance(logits(folded, null), soft)).isLessThan(1e-5f);
    assertThat(GateTrials.distance(logits(TrainedTinyVit.weights(), null), soft))
        .as("gates other than 1 are seen")
        .isGreaterThan(1e-2f);
  }

  /** §13 c. */
  @Test
  void aFoldedGateScalesTheColumnThatReadsIt() {
    VitArchitecture one =
        new VitArchitecture(2, 2, 1, 1, 1, 3, 1, 1e-6, List.of(BlockShape.msa(1, 1, 1, 1)));
    Map<String, Tensor> tensors = new LinkedHashMap<>(TinyVit.weights(one, 1).tensors());
    tensors.put("blocks.0.mlp.fc1.weight", new Tensor(new int[] {1, 3}, new float[] {2, 1, 3}));
    Folding folding = new Folding(new VitWeights(one, tensors));

    folding.columns("blocks.0.mlp.fc1.weight", new float[] {0.9f, -0.05f, 0.4f});

    float[] w = folding.weights().tensor("blocks.0.mlp.fc1.weight").values();
    float[] x = {1, 2, -1};
    assertThat(w[0] * x[0] + w[1] * x[1] + w[2] * x[2]).isEqualTo(0.5f, within(1e-6f));
    assertThat(w[0] * x[0] + w[2] * x[2]).isEqualTo(0.6f, within(1e-6f));
    assertThat(2 * x[0] + 3 * x[2]).as("binarised").isEqualTo(-1f);
  }

  /** §13 d. */
  @Test
  void costsWhatThePaperCounts() {
    VitArchitecture base =
        new VitArchitecture(4, 2, 1, 1, 1, 4, 2, 1e-6, List.of(BlockShape.msa(2, 2, 2, 8)));
    BlockPlan block =
        BlockPlan.aligned(List.of(0, 1), List.of(0, 1), List.of(1), List.of(0, 2, 3, 5, 7))
            .with(new Wiring(List.of(0, 1, 3), List.of(), List.of(1, 2, 3), List.of()));
    PruningPlan plan = new PruningPlan(base, List.of(0, 1, 2, 3), List.of(block));

    Cost whole = Cost.of(base);
    Cost cut = plan.cost();

    assertThat(whole.params() - cut.params()).isEqualTo(172 - 112);
    assertThat(whole.macs() - cut.macs()).isEqualTo(840 - 515);
  }

  @ParameterizedTest
  @CsvSource({
    "aligned,global,0.5",
    "ragged,global,0.6",
    "aligned,per-site,0.45",
    "ragged,per-layer,0.7"
  })
  void everyPlanMeetsItsBudgetAndItsCutIsTheMaskedModel(
      String heads, String ranking, double keepRatio) {
    Map<String, Tensor> values = GateTrials.values(GATES, 9);
    VitWeights folded = GATES.fold(TrainedTinyVit.weights(), values);
    for (TargetKind kind : TargetKind.COUNTED) {
      PruningPlan plan = plan(values, kind, keepRatio, Map.of("heads", heads, "ranking", ranking));

      assertThat(GateTrials.ofTarget(plan, kind, keepRatio)).isBetween(0.99, 1.01);
      GateTrials.assertCutIsHonest(folded, plan);
      assertThat(PruningPlan.fromJson(plan.toJson())).isEqualTo(plan);
      for (BlockPlan block : plan.blocks()) {
        assertThat(block.heads()).hasSize(4).allMatch(head -> head.qk().size() == 16);
        assertThat(block.heads()).allMatch(head -> head.v().size() >= 8);
        assertThat(block.mlp()).hasSizeGreaterThanOrEqualTo(16);
        long widths = block.heads().stream().map(head -> head.v().size()).distinct().count();
        assertThat(widths == 1 || heads.equals("ragged")).isTrue();
      }
    }
  }

  /** A toy would multiply by zeros: every narrowed site has a smaller array. */
  @Test
  void everySiteIsPhysicallySmaller() {
    Map<String, Tensor> values = GateTrials.values(GATES, 9);
    PruningPlan plan =
        plan(values, TargetKind.MACS, 0.5, Map.of("ranking", "per-layer", "alignment", 4L));
    VitWeights cut = Cut.apply(TrainedTinyVit.weights(), plan);

    for (int l = 0; l < SHAPE.depth(); l++) {
      String name = "blocks." + l + ".";
      assertThat(cut.tensor(name + "attn.qkv.weight").shape()[1]).isLessThan(32);
      assertThat(cut.tensor(name + "attn.qkv.weight").shape()[0]).isBetween(128 + 32, 191);
      assertThat(cut.tensor(name + "attn.proj.weight").shape()[1]).isLessThan(64);
      assertThat(cut.tensor(name + "mlp.fc1.weight").shape()[1]).isLessThan(32);
      assertThat(cut.tensor(name + "mlp.fc2.weight").shape()[1]).isLessThan(64);
      assertThat(cut.tensor(name + "mlp.fc2.weight").shape()[0]).isEqualTo(32);
    }
  }

  /** Heads keep their own channels, the best of each. */
  @Test
  void alignedHeadsKeepEquallyManyChannelsOfTheirOwn() {
    Map<String, Tensor> values = GateTrials.values(GATES, 9);
    PruningPlan plan =
        plan(values, TargetKind.MACS, 0.5, Map.of("ranking", "per-layer", "alignment", 4L));

    BlockPlan block = plan.blocks().get(0);
    assertThat(block.vWidth()).isLessThan(16);
    assertThat(block.heads().stream().map(HeadPlan::v).distinct().count()).isGreaterThan(1);
    float[] gates = values.get("blocks.0.attn_out").values();
    for (HeadPlan head : block.heads()) {
      double worstKept = head.v().stream().mapToDouble(c -> abs(gates, head, c)).min().orElse(0);
      for (int c = 0; c < 16; c++) {
        if (!head.v().contains(c)) {
          assertThat(abs(gates, head, c)).isLessThanOrEqualTo(worstKept);
        }
      }
    }
  }

  private static double abs(float[] gates, HeadPlan head, int channel) {
    return Math.abs(gates[head.head() * 16 + channel]);
  }

  @Test
  void withoutPruningTheBaseStaysBitForBit() {
    Map<String, Tensor> values = GateTrials.values(GATES, 9);
    PruningPlan plan = plan(values, TargetKind.MACS, 1, Map.of());

    assertThat(plan).isEqualTo(PruningPlan.identity(SHAPE));
    assertThat(Cut.apply(TrainedTinyVit.weights(), plan)).isEqualTo(TrainedTinyVit.weights());
  }

  /** Tie guard: while all gates are 1, half the gates are half of every site. */
  @Test
  void equalGatesThinEverySiteByHalf() {
    Map<String, Tensor> ones = new LinkedHashMap<>();
    GateTrials.values(GATES, 1)
        .forEach(
            (name, value) -> {
              float[] all = new float[value.values().length];
              Arrays.fill(all, 1);
              ones.put(name, new Tensor(value.shape(), all));
            });
    PruningPlan half = Vtp.live(request(ones, 1)).planAt(0.5);

    for (BlockPlan block : half.blocks()) {
      assertThat(block.wiring().attentionReads()).hasSizeBetween(16, 17);
      assertThat(block.wiring().mlpReads()).hasSizeBetween(16, 17);
      assertThat(block.mlp()).hasSizeBetween(31, 33);
      assertThat(block.heads()).allMatch(head -> head.v().size() <= 16);
    }
    assertThat(Vtp.live(request(ones, 1)).planAt(0)).isEqualTo(PruningPlan.identity(SHAPE));
  }

  /** §11.6. */
  @ParameterizedTest
  @ValueSource(strings = {"mlp.fc2", "attn.qkv"})
  void anInputThatNobodyWeighsCanGoUnnoticed(String linear) {
    Map<String, Tensor> tensors = new LinkedHashMap<>(TrainedTinyVit.weights().tensors());
    String name = "blocks.1." + linear + ".weight";
    Tensor weight = tensors.get(name);
    float[] values = weight.values().clone();
    for (int i = 7; i < values.length; i += weight.shape()[1]) {
      values[i] = 0;
    }
    tensors.put(name, new Tensor(weight.shape(), values));
    VitWeights weights = new VitWeights(SHAPE, tensors);
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(SHAPE).blocks());
    List<Integer> without = new ArrayList<>();
    for (int j = 0; j < weight.shape()[1]; j++) {
      if (j != 7) {
        without.add(j);
      }
    }
    BlockPlan block = blocks.get(1);
    blocks.set(
        1,
        linear.equals("mlp.fc2")
            ? BlockPlan.msa(block.heads(), without)
            : block.with(new Wiring(without, List.of(), List.of(), List.of())));
    PruningPlan plan = new PruningPlan(SHAPE, PruningPlan.identity(SHAPE).embedding(), blocks);

    float[] before = logits(weights, null);
    float[] after = logits(Cut.apply(weights, plan), null);

    assertThat(GateTrials.distance(before, after)).isLessThan(1e-5f);
  }

  /** §11.9, for hidden units: those without an outgoing weight end at the bottom. */
  @Test
  void unitsThatDoNothingRankAtTheBottomAfterAShortSearch() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(TrainedTinyVit.weights().tensors());
    Tensor fc2 = tensors.get("blocks.1.mlp.fc2.weight");
    float[] values = fc2.values().clone();
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 64 < 8 ? 0 : values[i];
    }
    tensors.put("blocks.1.mlp.fc2.weight", new Tensor(fc2.shape(), values));
    Map<String, Object> parameters =
        new LinkedHashMap<>(request(Map.of("epochs", 2L, "learningRate", 1e-7)).parameters());
    var request =
        SearchRequest.of(new VitWeights(SHAPE, tensors), parameters, 3).on(TrainedTinyVit.IMAGES);
    try (Search search = VTP.search(request)) {
      double[] scores = GateTrials.finish(search).importance().blocks().get(1).mlp();
      double[] sorted = scores.clone();
      Arrays.sort(sorted);
      for (int unit = 0; unit < 8; unit++) {
        assertThat(scores[unit]).as("unit %d", unit).isLessThanOrEqualTo(sorted[15]);
      }
    }
  }

  @Test
  void aResumedSearchEndsBitEqual() {
    GateTrials.assertResumesBitEqual("vtp");
  }

  /** Over seeds and ratios: which of them is luckier is up to how a processor rounds. */
  @Test
  void keepsMoreThanChanceBeforeRecovery() {
    assertThat(GateTrials.marginOverChance(VTP, GATES)).isGreaterThan(0.05);
  }

  @Test
  void refusesWhatItCannotMeetOrRead() {
    Map<String, Tensor> values = GateTrials.values(GATES, 9);
    assertThatThrownBy(() -> plan(values, TargetKind.MACS, 0.05, Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageMatching("keep ratio of macs must be at least 0\\.\\d+ .* but is 0\\.05");
    Map<String, Tensor> short1 = new LinkedHashMap<>(values);
    short1.remove("blocks.1.mlp_in");
    assertThatThrownBy(() -> plan(short1, TargetKind.MACS, 0.5, Map.of()))
        .hasMessageContaining("findings need 32 gates of blocks.1.mlp_in but have none");
  }

  // ---- helpers ----

  private static SearchRequest request(Map<String, Object> others) {
    return GateTrials.request(VTP, others);
  }

  private static PlanRequest request(Map<String, Tensor> values, int alignment) {
    return new PlanRequest(
            SHAPE,
            null,
            Optional.of(new Safetensors(Map.of(), values).toBytes()),
            TargetKind.MACS,
            0.5,
            Map.of("alignment", alignment))
        .withDefaults(VTP.descriptor());
  }

  private static PruningPlan plan(
      Map<String, Tensor> values, TargetKind kind, double keepRatio, Map<String, Object> others) {
    return GateTrials.plan(VTP, values, kind, keepRatio, others);
  }

  /** Class scores under soft gates, or without any. */
  private static float[] logits(VitWeights weights, Map<String, Tensor> values) {
    return GateTrials.logits(
        weights,
        5,
        manager ->
            values == null
                ? Gates.NONE
                : GATES.place(
                    name -> {
                      Tensor value = values.get(name);
                      long[] shape = Arrays.stream(value.shape()).asLongStream().toArray();
                      return manager.create(value.values(), new Shape(shape));
                    }),
        false);
  }
}
