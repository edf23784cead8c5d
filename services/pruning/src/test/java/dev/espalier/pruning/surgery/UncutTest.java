package dev.espalier.pruning.surgery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.HeadPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.TokenRule;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.vit.Wiring;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.evaluation.CountedMacs;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitForward;
import dev.espalier.pruning.vit.VitModel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Plans that are more than a choice of weights: masked at full size they compute what is cut. */
class UncutTest {

  private static final VitArchitecture SHAPE =
      new VitArchitecture(
          16, 4, 1, 5, 1, 12, 4, 1e-6, Collections.nCopies(6, BlockShape.msa(3, 4, 4, 10)));

  private final SplittableRandom random = new SplittableRandom(8);

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void withTokensThatLeaveAndDoNotEnterOnRandomSets(int seed) {
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(SHAPE).blocks());
    List<Integer> tokens = IntStream.range(0, 17).boxed().toList();
    for (int l = 0; l < blocks.size(); l++) {
      tokens = subset(tokens, true);
      blocks.set(
          l,
          blocks
              .get(l)
              .with(l % 2 == seed % 2 ? new TokenRule.Leave(tokens) : new TokenRule.Enter(tokens)));
    }

    assertMaskedEqualsCut(new PruningPlan(SHAPE, all(12), blocks));
  }

  @Test
  void withPatchesThatAPredictorSelectsTwice() {
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(SHAPE).blocks());
    blocks.set(1, blocks.get(1).with(new TokenRule.Select(9)));
    blocks.set(4, blocks.get(4).with(new TokenRule.Select(4)));

    assertMaskedEqualsCut(new PruningPlan(SHAPE, all(12), blocks));
  }

  @Test
  void withConvolutionsASkipARemovedBlockAndOneThatLosesTokensLater() {
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(SHAPE).blocks());
    blocks.set(0, new BlockPlan(true, AttentionKind.CONV3, List.of(), List.of(1, 2, 9)));
    blocks.set(1, new BlockPlan(true, AttentionKind.CONV1, List.of(), List.of(0, 8)));
    blocks.set(2, new BlockPlan(true, AttentionKind.SKIP, List.of(), List.of(3)));
    blocks.set(3, BlockPlan.REMOVED);
    blocks.set(4, blocks.get(4).with(new TokenRule.Leave(List.of(0, 3, 4, 16))));

    assertMaskedEqualsCut(new PruningPlan(SHAPE, List.of(0, 2, 3, 5, 6, 7, 10), blocks));
  }

  @Test
  void withEveryBranchReadingAndWritingOtherChannelsAndRaggedHeads() {
    List<BlockPlan> blocks = new ArrayList<>();
    for (int l = 0; l < SHAPE.depth(); l++) {
      blocks.add(
          BlockPlan.msa(
                  List.of(
                      new HeadPlan(0, subset(all(4), false), subset(all(4), false)),
                      new HeadPlan(2, subset(all(4), false), subset(all(4), false))),
                  subset(all(10), false))
              .with(
                  new Wiring(
                      subset(all(12), true),
                      subset(all(12), true),
                      subset(all(12), true),
                      subset(all(12), true))));
    }

    assertMaskedEqualsCut(new PruningPlan(SHAPE, all(12), blocks));
    assertMaskedEqualsCut(new PruningPlan(SHAPE, List.of(0, 1, 3, 5, 6, 8, 9, 11), blocks));
  }

  @Test
  void aCutModelWithAllOfItIsCutAgain() {
    VitArchitecture varied = TinyVit.VARIED;
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(varied).blocks());
    BlockPlan wired = blocks.get(2);
    blocks.set(2, BlockPlan.aligned(List.of(0, 2), List.of(1, 3), List.of(0, 4), List.of(2, 3, 8)));
    blocks.set(0, new BlockPlan(true, AttentionKind.CONV3, List.of(), List.of(1, 2, 7)));

    PruningPlan plan = new PruningPlan(varied, all(12), blocks);

    assertThat(wired.wiring()).isEqualTo(Wiring.ALL);
    assertThat(plan.cutArchitecture().blocks().get(2).wiring())
        .isEqualTo(varied.blocks().get(2).wiring());
    assertMaskedEqualsCut(plan);
  }

  @Test
  void theResidualChannelsOfAModelWithAPredictorStay() {
    VitArchitecture varied = TinyVit.VARIED;
    List<BlockPlan> blocks = PruningPlan.identity(varied).blocks();

    assertThatThrownBy(() -> new PruningPlan(varied, List.of(0, 1, 3, 5), blocks))
        .hasMessageContaining("block 5 selects tokens and needs all 12 residual channels");
  }

  @Test
  void aTensorThatNobodyHasIsNamed() {
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(SHAPE).blocks());
    blocks.set(1, blocks.get(1).with(new TokenRule.Select(9)));
    PruningPlan plan = new PruningPlan(SHAPE, all(12), blocks);

    assertThatThrownBy(() -> Uncut.of(TinyVit.weights(SHAPE, 1), plan, Map.of()))
        .hasMessageContaining("blocks.1.predictor.norm.weight is missing");
  }

  private void assertMaskedEqualsCut(PruningPlan plan) {
    VitWeights base = TinyVit.weights(plan.base(), 5);
    VitWeights brought = TinyVit.weights(plan.uncutArchitecture(), 6);
    VitWeights uncut = Uncut.of(base, plan, brought.tensors());
    VitWeights cut = Cut.apply(uncut, plan);
    try (NDManager manager = TrainedTinyVit.TENSORS.newManager();
        GradientMode off = GradientMode.off();
        VitModel full = VitModel.frozen(TrainedTinyVit.TENSORS, uncut);
        VitModel small = VitModel.frozen(TrainedTinyVit.TENSORS, cut)) {
      NDArray images =
          manager.create(TinyVit.normal(random, 5 * 256, 0, 1), new Shape(5, 1, 16, 16));
      NDArray masked = VitForward.masked(full, images, Masks.gates(manager, plan));
      NDArray sliced = VitForward.logits(small, images, Gates.NONE);
      assertThat(masked.sub(sliced).abs().max().getFloat()).isLessThan(1e-5f);
      NDArray whole = VitForward.masked(full, images, Gates.NONE);
      assertThat(CountedMacs.of(TrainedTinyVit.TENSORS, small)).isEqualTo(plan.cost().macs());
      assertThat(cut.tensors().values().stream().mapToLong(t -> t.values().length).sum())
          .isEqualTo(plan.cost().params());
      assertThat(whole.getShape()).isEqualTo(sliced.getShape());
    }
  }

  private static List<Integer> all(int width) {
    return IntStream.range(0, width).boxed().toList();
  }

  /** A random part, with its first member if asked for. */
  private List<Integer> subset(List<Integer> of, boolean first) {
    List<Integer> kept =
        of.stream().filter(i -> first && i.equals(of.get(0)) || random.nextInt(10) < 7).toList();
    return kept.isEmpty() ? of.subList(0, 1) : kept;
  }
}
