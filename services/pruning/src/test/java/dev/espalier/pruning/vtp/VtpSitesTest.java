package dev.espalier.pruning.vtp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
import dev.espalier.pruning.sparsity.GateTraining;
import dev.espalier.pruning.sparsity.GateTrials;
import dev.espalier.pruning.vit.VitModel;
import dev.espalier.pruning.vtp.VtpGates.Site;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What {@code methods/vtp.md} §11 and §13 ask of single sites. */
class VtpSitesTest {

  private static final VitArchitecture SHAPE = TrainedTinyVit.SHAPE;
  private static final Vtp VTP = new Vtp();

  private final SplittableRandom random = new SplittableRandom(12);

  /** §11.2. */
  @Test
  void theCrossEntropyAloneReachesEveryGate() {
    GateTrials.assertAStepMovesEveryGate(VTP, new VtpGates(SHAPE, 0));
  }

  /** §13 b; the two sites that it does not have stay at 0. */
  @Test
  void thePenaltyAndItsSlopesAreThoseOfTheExample() {
    VitArchitecture one =
        new VitArchitecture(2, 2, 1, 1, 1, 3, 1, 1e-6, List.of(BlockShape.msa(1, 1, 1, 4)));
    try (VitModel model = VitModel.trainable(TrainedTinyVit.TENSORS, TinyVit.weights(one, 1));
        GateTraining gates = new GateTraining(new VtpGates(one, 0.1), 1, model)) {
      set(gates, "qkv_in", new int[] {3}, 0.9f, -0.05f, 0.4f);
      set(gates, "attn_out", new int[] {1, 1}, 0);
      set(gates, "mlp_in", new int[] {3}, 0, 0, 0);
      set(gates, "mlp_hidden", new int[] {4}, 0.2f, 0, 1.1f, -0.6f);
      assertThat(gates.penalty()).isEqualTo(0.325, within(1e-6));

      GateTrials.withoutLoss(gates);
      gates.afterBackward(null);

      assertThat(slopes(gates, "qkv_in")).containsExactly(0.1f, -0.1f, 0.1f);
      assertThat(slopes(gates, "mlp_hidden")).containsExactly(0.1f, 0, 0.1f, -0.1f);
    }
  }

  /** §11.4: other widths and other units in every block and head. */
  @ParameterizedTest
  @EnumSource(Site.class)
  void aSiteAloneIsCutAsItIsMasked(Site site) {
    PruningPlan whole = PruningPlan.identity(SHAPE);
    List<BlockPlan> blocks = new ArrayList<>();
    for (BlockPlan block : whole.blocks()) {
      blocks.add(
          switch (site) {
            case QKV_IN -> block.with(new Wiring(subset(32), List.of(), List.of(), List.of()));
            case ATTN_OUT ->
                BlockPlan.msa(
                    block.heads().stream()
                        .map(head -> new HeadPlan(head.head(), head.qk(), subset(16)))
                        .toList(),
                    block.mlp());
            case MLP_IN -> block.with(new Wiring(List.of(), List.of(), subset(32), List.of()));
            case MLP_HIDDEN -> BlockPlan.msa(block.heads(), subset(64));
          });
    }
    PruningPlan plan = new PruningPlan(SHAPE, whole.embedding(), blocks);

    assertThat(plan.cost().macs()).isLessThan(Cost.of(SHAPE).macs());
    GateTrials.assertCutIsHonest(TrainedTinyVit.weights(), plan);
  }

  /** §11.5: neither one more, as in the re-implementation, nor one less. */
  @Test
  void halfOfTheGatesFallToTheGate() {
    Map<String, Tensor> values = new LinkedHashMap<>();
    GateTrials.values(new VtpGates(SHAPE, 0), 1)
        .forEach(
            (name, value) -> {
              float[] gates = new float[value.values().length];
              // One more would be a hidden unit: no floor holds it.
              double high = name.endsWith("mlp_hidden") ? 1 : 2;
              for (int i = 0; i < gates.length; i++) {
                gates[i] = (float) ((i % 2 == 0 ? high : 0) + 0.5 * random.nextDouble());
              }
              values.put(name, new Tensor(value.shape(), gates));
            });
    PlanRequest request =
        new PlanRequest(
                SHAPE,
                null,
                Optional.of(new Safetensors(Map.of(), values).toBytes()),
                TargetKind.MACS,
                0.5,
                Map.of("alignment", 1L, "heads", "ragged"))
            .withDefaults(VTP.descriptor());

    PruningPlan half = Vtp.live(request).planAt(0.5);

    int kept = 0;
    for (BlockPlan block : half.blocks()) {
      kept += block.wiring().attentionReads().size() + block.wiring().mlpReads().size();
      kept += block.mlp().size();
      kept += block.heads().stream().mapToInt(head -> head.v().size()).sum();
    }
    int all = 3 * (32 + 64 + 32 + 64);
    assertThat(kept).isEqualTo(all - all / 2);
  }

  /** §11.9, for input channels: those that nobody weighs end at the bottom. */
  @Test
  void channelsThatNobodyWeighsRankAtTheBottomAfterAShortSearch() {
    Map<String, Tensor> tensors = new LinkedHashMap<>(TrainedTinyVit.weights().tensors());
    String name = "blocks.1.attn.qkv.weight"; // (192, 32)
    float[] weight = tensors.get(name).values().clone();
    for (int i = 0; i < weight.length; i++) {
      weight[i] = i % 32 < 8 ? 0 : weight[i];
    }
    tensors.put(name, new Tensor(new int[] {192, 32}, weight));
    Map<String, Object> parameters =
        GateTrials.request(VTP, Map.of("epochs", 2L, "learningRate", 1e-7)).parameters();
    SearchRequest request =
        SearchRequest.of(new VitWeights(SHAPE, tensors), parameters, 3).on(TrainedTinyVit.IMAGES);
    try (Search search = VTP.search(request)) {
      byte[] findings = GateTrials.finish(search).findings().orElseThrow();
      float[] gates = Safetensors.fromBytes(findings).tensors().get("blocks.1.qkv_in").values();
      for (int i = 0; i < gates.length; i++) {
        gates[i] = Math.abs(gates[i]);
      }
      float[] sorted = gates.clone();
      Arrays.sort(sorted);
      for (int channel = 0; channel < 8; channel++) {
        assertThat(gates[channel]).as("channel %d", channel).isLessThanOrEqualTo(sorted[11]);
      }
    }
  }

  // ---- helpers ----

  private static void set(GateTraining gates, String site, int[] shape, float... values) {
    VitModel.assign(gates.parameters().get("gates.blocks.0." + site), new Tensor(shape, values));
  }

  private static float[] slopes(GateTraining gates, String site) {
    return gates.parameters().get("gates.blocks.0." + site).getGradient().toFloatArray();
  }

  /** About six in ten of that many. */
  private List<Integer> subset(int width) {
    int sure = random.nextInt(width);
    return IntStream.range(0, width)
        .filter(i -> i == sure || random.nextInt(10) < 6)
        .boxed()
        .toList();
  }
}
