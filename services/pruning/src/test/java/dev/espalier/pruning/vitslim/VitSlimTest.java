package dev.espalier.pruning.vitslim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.artifacts.safetensors.Safetensors;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.method.Search;
import dev.espalier.pruning.method.SearchRequest;
import dev.espalier.pruning.sparsity.GateTrials;
import dev.espalier.pruning.sparsity.SparsitySearch;
import dev.espalier.pruning.surgery.Cut;
import dev.espalier.pruning.training.DivergedException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Searches and plans, {@code methods/vit-slim.md} §9. */
class VitSlimTest {

  private static final VitArchitecture SHAPE = TrainedTinyVit.SHAPE;
  private static final VitSlim VIT_SLIM = new VitSlim();
  private static final VitSlimGates GATES = gates(Map.of());
  private static final Map<String, Object> BY_ONE = Map.of("alignment", 1L, "heads", "ragged");

  // ---- search ----

  @Test
  void everyGateMovesInOneStep() {
    try (SparsitySearch search = new SparsitySearch(request(Map.of()), GATES)) {
      Map<String, Tensor> before = search.gates().values();
      search.step();
      Map<String, Tensor> after = search.gates().values();

      assertThat(after).hasSize(3 * 3);
      after.forEach(
          (name, gates) -> {
            for (int i = 0; i < gates.values().length; i++) {
              assertThat(gates.values()[i])
                  .as("%s[%d]", name, i)
                  .isNotEqualTo(before.get(name).values()[i]);
            }
          });
    }
  }

  @Test
  void trainsGatesAndNormsAloneWhereAsked() {
    Map<String, Object> frozen = Map.of("trains", "gates-and-norms", "softGates", "binarised");
    try (Search search = VIT_SLIM.search(request(frozen))) {
      VitWeights trained = GateTrials.finish(search).weights().orElseThrow();
      TrainedTinyVit.weights()
          .tensors()
          .forEach(
              (name, tensor) ->
                  assertThat(trained.tensor(name).equals(tensor))
                      .as(name)
                      .isEqualTo(!name.contains("norm")));
    }
  }

  @Test
  void aResumedSearchEndsBitEqual() {
    GateTrials.assertResumesBitEqual("vit-slim");
  }

  @Test
  void aNumberThatIsNoneEndsTheSearchByName() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(TrainedTinyVit.weights().tensors());
    float[] bias = tensors.get("head.bias").values().clone();
    bias[0] = Float.NaN;
    tensors.put("head.bias", new Tensor(new int[] {bias.length}, bias));
    SearchRequest request =
        SearchRequest.of(new VitWeights(SHAPE, tensors), request(Map.of()).parameters(), 1)
            .on(TrainedTinyVit.IMAGES);
    try (Search search = VIT_SLIM.search(request)) {
      assertThatThrownBy(search::step)
          .isInstanceOf(DivergedException.class)
          .hasMessageContaining("NaN");
    }
  }

  @Test
  void saysHowManyGatesHaveCrossedZero() {
    Map<String, Double> seen = new HashMap<>();
    SearchRequest request =
        request(Map.of("gateLearningRate", 1.0, "attentionPenalty", 1.0))
            .observedBy((step, values) -> seen.putAll(values));
    try (Search search = VIT_SLIM.search(request)) {
      GateTrials.finish(search);
    }
    assertThat(seen).containsKeys("gate_penalty", "soft_top1_accuracy");
    assertThat(seen.get("negative_gates")).isPositive();
  }

  // ---- plans ----

  @ParameterizedTest
  @CsvSource({
    "aligned,or-backward,absolute,0.5",
    "ragged,or-backward,signed,0.6",
    "aligned,and-forward,absolute,0.35",
    "ragged,and-forward,absolute,0.75"
  })
  void everyPlanMeetsItsBudgetAndItsCutIsTheMaskedModel(
      String heads, String nesting, String ranking, double keepRatio) {
    Map<String, Tensor> values = GateTrials.values(GATES, 9);
    VitWeights folded = GATES.fold(TrainedTinyVit.weights(), values);
    Map<String, Object> parameters =
        Map.of("heads", heads, "nesting", nesting, "ranking", ranking, "alignment", 2L);
    for (TargetKind kind : TargetKind.COUNTED) {
      PruningPlan plan = plan(values, kind, keepRatio, parameters);

      assertThat(GateTrials.ofTarget(plan, kind, keepRatio)).isBetween(0.99, 1.01);
      GateTrials.assertCutIsHonest(folded, plan);
      assertThat(PruningPlan.fromJson(plan.toJson())).isEqualTo(plan);
      assertNested(plan);
      assertThat(plan.idealCost().macs()).isLessThanOrEqualTo(plan.cost().macs());
      for (BlockPlan block : plan.blocks()) {
        assertThat(block.heads()).isNotEmpty().allMatch(head -> head.qk().equals(head.v()));
        assertThat(block.heads()).allMatch(head -> head.v().size() >= 8);
        assertThat(block.mlp()).hasSizeGreaterThanOrEqualTo(16);
        long widths = block.heads().stream().map(head -> head.v().size()).distinct().count();
        assertThat(widths == 1 || heads.equals("ragged")).isTrue();
      }
    }
  }

  /** §9.4: kept = ceil(budget * n) of each type, and of tokens after nesting. */
  @ParameterizedTest
  @ValueSource(strings = {"or-backward", "and-forward"})
  void keepsTheBudgetOfEveryType(String nesting) {
    Map<String, Object> parameters = new HashMap<>(BY_ONE);
    parameters.put("nesting", nesting);
    for (double budget : new double[] {0.9, 0.7}) {
      PruningPlan plan =
          VitSlim.live(request(GateTrials.values(GATES, 2), parameters)).planAt(1 - budget);

      int channels = 0;
      int hidden = 0;
      int tokens = 0;
      for (int l = 0; l < 3; l++) {
        BlockPlan block = plan.blocks().get(l);
        channels += block.heads().stream().mapToInt(head -> head.v().size()).sum();
        hidden += block.mlp().size();
        tokens += tokens(plan, l).size();
      }
      assertThat(channels).isEqualTo((int) Math.ceil(budget * 3 * 64 - 1e-9));
      assertThat(hidden).isEqualTo((int) Math.ceil(budget * 3 * 64 - 1e-9));
      assertThat(tokens).isEqualTo((int) Math.ceil(budget * 3 * 17 - 1e-9));
      assertNested(plan);
    }
  }

  @Test
  void theTwoNestingsDiffer() {
    Map<String, Tensor> values = GateTrials.values(GATES, 2);
    PruningPlan or = plan(values, TargetKind.MACS, 0.6, Map.of("nesting", "or-backward"));
    PruningPlan and = plan(values, TargetKind.MACS, 0.6, Map.of("nesting", "and-forward"));
    assertThat(or).isNotEqualTo(and);
  }

  /** §9.15: search once, slice many. */
  @Test
  void smallerBudgetsKeepPartsOfLargerOnes() {
    PlanRequest request = request(GateTrials.values(GATES, 4), BY_ONE);
    PruningPlan larger = PruningPlan.identity(SHAPE);
    for (double budget : new double[] {0.9, 0.7, 0.5}) {
      PruningPlan smaller = VitSlim.live(request).planAt(1 - budget);
      assertThat(units(larger)).containsAll(units(smaller));
      assertThat(units(smaller)).hasSizeLessThan(units(larger).size());
      larger = smaller;
    }
  }

  /** §9.9. */
  @Test
  void aWholeBudgetKeepsTheBaseBitForBit() {
    PruningPlan plan = plan(GateTrials.values(GATES, 9), TargetKind.MACS, 1, Map.of());
    assertThat(plan).isEqualTo(PruningPlan.identity(SHAPE));
    assertThat(Cut.apply(TrainedTinyVit.weights(), plan)).isEqualTo(TrainedTinyVit.weights());
  }

  /** §9.10. */
  @Test
  void uniformGatesKeepTheSameChannelsInEveryHead() {
    VitSlimGates uniform = gates(Map.of("gates", "uniform"));
    Map<String, Tensor> values = GateTrials.values(uniform, 3);
    PruningPlan plan = plan(values, TargetKind.MACS, 0.4, Map.of("alignment", 1L));

    boolean narrowed = false;
    for (BlockPlan block : plan.blocks()) {
      assertThat(block.heads()).hasSize(4);
      assertThat(block.heads().stream().map(HeadPlan::v).distinct()).hasSize(1);
      narrowed |= block.vWidth() < 16;
    }
    assertThat(narrowed).isTrue();
    GateTrials.assertCutIsHonest(uniform.fold(TrainedTinyVit.weights(), values), plan);
  }

  @Test
  void gatesOnHeadsDropWholeHeads() {
    VitSlimGates byHead = gates(Map.of("gates", "per-head"));
    Map<String, Tensor> values = GateTrials.values(byHead, 3);
    PruningPlan plan = plan(values, TargetKind.MACS, 0.5, Map.of());

    assertThat(plan.blocks().stream().mapToInt(block -> block.heads().size()).sum()).isLessThan(12);
    assertThat(plan.blocks())
        .allMatch(block -> block.heads().stream().allMatch(head -> head.v().size() == 16));
    GateTrials.assertCutIsHonest(byHead.fold(TrainedTinyVit.weights(), values), plan);
  }

  /** §1: a head can vanish. */
  @Test
  void aHeadWhoseGatesHaveAllFallenGoesAsAWhole() {
    Map<String, Tensor> values = GateTrials.values(GATES, 5);
    Tensor gates = values.get(VitSlimGates.attention(1));
    Arrays.fill(gates.values(), 32, 48, 0.001f);
    PruningPlan plan = plan(values, TargetKind.MACS, 0.5, BY_ONE);

    assertThat(plan.blocks().get(1).headIndices()).containsExactly(0, 1, 3);
  }

  @Test
  void aPaceOfZeroLeavesATypeAlone() {
    Map<String, Tensor> values = GateTrials.values(GATES, 5);
    PruningPlan mlp =
        plan(values, TargetKind.MACS, 0.8, Map.of("attentionPace", 0L, "tokenPace", 0L));
    PruningPlan tokens =
        plan(values, TargetKind.MACS, 0.6, Map.of("attentionPace", 0L, "mlpPace", 0L));

    PruningPlan all = PruningPlan.identity(SHAPE);
    for (int l = 0; l < 3; l++) {
      assertThat(mlp.blocks().get(l).heads()).isEqualTo(all.blocks().get(l).heads());
      assertThat(mlp.blocks().get(l).tokens()).isEqualTo(TokenRule.ALL);
      assertThat(mlp.blocks().get(l).mlp().size()).isLessThan(64);
      assertThat(tokens.blocks().get(l).heads()).isEqualTo(all.blocks().get(l).heads());
      assertThat(tokens.blocks().get(l).mlp()).hasSize(64);
    }
    assertThat(tokens(tokens, 2).size()).isLessThan(17);
    assertThat(Cost.of(SHAPE).params()).isEqualTo(tokens.cost().params());
  }

  /** Over seeds and ratios: which of them is luckier is up to how a processor rounds. */
  @Test
  void keepsMoreThanChanceBeforeRecovery() {
    assertThat(GateTrials.marginOverChance(VIT_SLIM, GATES)).isGreaterThan(0.05);
  }

  @Test
  void refusesWhatItCannotMeetOrRead() {
    Map<String, Tensor> values = GateTrials.values(GATES, 9);
    assertThatThrownBy(() -> plan(values, TargetKind.MACS, 0.01, Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageMatching("keep ratio of macs must be at least 0\\.\\d+ .* but is 0\\.01");
    Map<String, Tensor> less = new LinkedHashMap<>(values);
    less.remove(VitSlimGates.tokens(1));
    assertThatThrownBy(() -> plan(less, TargetKind.MACS, 0.5, Map.of()))
        .hasMessage(
            "findings need 17 gates of blocks.1.tokens but have none; without tokenGates tokenPace"
                + " must be 0");
    less.remove(VitSlimGates.attention(1));
    assertThatThrownBy(() -> plan(less, TargetKind.MACS, 0.5, Map.of("tokenPace", 0L)))
        .hasMessage("findings need 4 x 16 gates of blocks.1.attention but have none");
  }

  @Test
  void refusesBasesThatItsGatesDoNotFit() {
    assertThatThrownBy(() -> new VitSlimGates(TinyVit.UNEQUAL, settings(Map.of())))
        .hasMessageMatching("block \\d must have equal query/key and value widths, .* but has .*");
    VitArchitecture convolves =
        SHAPE.withWidths(
            32,
            List.of(
                new BlockShape(AttentionKind.CONV3, 1, 1, 8, 64),
                BlockShape.msa(4, 16, 16, 64),
                BlockShape.msa(4, 16, 16, 64)));
    assertThatThrownBy(() -> new VitSlimGates(convolves, settings(Map.of())))
        .hasMessage("block 0 must not convolve over the grid with tokenGates but has conv3");
    assertThat(new VitSlimGates(convolves, settings(Map.of("tokenGates", false))).shapes())
        .hasSize(2 + 3);
  }

  // ---- helpers ----

  private static SearchRequest request(Map<String, Object> others) {
    return GateTrials.request(VIT_SLIM, others);
  }

  static VitSlimGates gates(Map<String, Object> others) {
    return new VitSlimGates(SHAPE, settings(others));
  }

  static VitSlimGates.Settings settings(Map<String, Object> others) {
    return VitSlimGates.Settings.of(request(others));
  }

  private static PlanRequest request(Map<String, Tensor> values, Map<String, Object> parameters) {
    return new PlanRequest(
            SHAPE,
            null,
            Optional.of(new Safetensors(Map.of(), values).toBytes()),
            TargetKind.MACS,
            0.5,
            parameters)
        .withDefaults(VIT_SLIM.descriptor());
  }

  private static PruningPlan plan(
      Map<String, Tensor> values, TargetKind kind, double keepRatio, Map<String, Object> others) {
    return GateTrials.plan(VIT_SLIM, values, kind, keepRatio, others);
  }

  private static List<Integer> tokens(PruningPlan plan, int block) {
    if (plan.tokens(block) instanceof TokenRule.Enter enter) {
      return enter.positions();
    }
    return IntStream.range(0, 17).boxed().toList();
  }

  /** §9.5. */
  private static void assertNested(PruningPlan plan) {
    for (int l = 0; l < plan.blocks().size(); l++) {
      assertThat(tokens(plan, l)).startsWith(0).hasSizeGreaterThan(1);
      if (l > 0) {
        assertThat(tokens(plan, l - 1)).containsAll(tokens(plan, l));
      }
    }
  }

  /** Everything that a plan keeps, by name. */
  private static HashSet<String> units(PruningPlan plan) {
    HashSet<String> units = new HashSet<>();
    for (int l = 0; l < plan.blocks().size(); l++) {
      BlockPlan block = plan.blocks().get(l);
      for (HeadPlan head : block.heads()) {
        for (int channel : head.v()) {
          units.add(l + " head " + head.head() + " channel " + channel);
        }
      }
      for (int unit : block.mlp()) {
        units.add(l + " hidden " + unit);
      }
      for (int token : tokens(plan, l)) {
        units.add(l + " token " + token);
      }
    }
    return units;
  }
}
