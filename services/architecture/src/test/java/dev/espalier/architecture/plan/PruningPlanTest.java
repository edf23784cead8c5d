package dev.espalier.architecture.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.Examples;
import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PruningPlanTest {

  private static final VitArchitecture BASE = Examples.TINY;

  @Test
  void keepsTheWholeModelUnderTheIdentity() {
    PruningPlan identity = PruningPlan.identity(Examples.FASHION);
    assertThat(identity.cutArchitecture()).isEqualTo(Examples.FASHION);
    assertThat(identity.cost()).isEqualTo(Cost.of(Examples.FASHION));
  }

  @Test
  void readsItsOwnJsonBack() {
    for (int seed = 0; seed < 20; seed++) {
      PruningPlan plan = Examples.plan(Examples.FASHION, new Random(seed));
      PruningPlan again = PruningPlan.fromJson(plan.toJson());
      assertThat(again).isEqualTo(plan);
      assertThat(again.hash()).isEqualTo(plan.hash());
    }
  }

  @Test
  void hashesDifferentPlansDifferently() {
    Set<String> hashes = new HashSet<>();
    for (int seed = 0; seed < 20; seed++) {
      hashes.add(Examples.plan(Examples.FASHION, new Random(seed)).hash());
    }
    assertThat(hashes).hasSize(20);
  }

  @Test
  void padsRaggedHeadsAndDropsRemovedBlocks() {
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(BASE).blocks());
    blocks.set(
        0,
        BlockPlan.msa(
            List.of(
                new HeadPlan(0, List.of(1, 2, 3), List.of(0)),
                new HeadPlan(1, List.of(7), List.of(2, 4))),
            List.of(0, 31)));
    blocks.set(1, new BlockPlan(false, AttentionKind.MSA, List.of(), List.of()));
    blocks.set(2, new BlockPlan(true, AttentionKind.SKIP, List.of(), List.of(3)));
    VitArchitecture cut = new PruningPlan(BASE, List.of(2, 5), blocks).cutArchitecture();
    assertThat(cut.embedding()).isEqualTo(2);
    assertThat(cut.scaleWidth()).isEqualTo(BASE.scaleWidth());
    assertThat(cut.blocks())
        .containsExactly(
            BlockShape.msa(2, 3, 2, 2), new BlockShape(AttentionKind.SKIP, 2, 8, 8, 1));
  }

  @Test
  void namesTheBlockAndListThatIsWrong() {
    assertThatThrownBy(() -> withMlp(List.of(0, 32)))
        .hasMessage("block 1 mlp has index 32 but must stay in [0, 32)");
    assertThatThrownBy(() -> withMlp(List.of(4, 4)))
        .hasMessage("block 1 mlp must be strictly ascending but has 4 after 4");
    assertThatThrownBy(() -> withMlp(List.of()))
        .hasMessage("block 1 mlp must keep at least one unit");
    assertThatThrownBy(() -> withMlp(List.of(-1)))
        .hasMessage("block 1 mlp has index -1 but must stay in [0, 32)");
    assertThatThrownBy(() -> new PruningPlan(BASE, List.of(0), List.of()))
        .hasMessage("plan needs one entry for each of the 3 blocks but has 0");
    assertThatThrownBy(
            () ->
                withBlock(
                    BlockPlan.msa(List.of(new HeadPlan(1, List.of(8), List.of(0))), List.of(0))))
        .hasMessage("block 1 head 1 qk has index 8 but must stay in [0, 8)");
    assertThatThrownBy(
            () -> withBlock(new BlockPlan(false, AttentionKind.MSA, List.of(), List.of(1))))
        .hasMessage("block 1 is removed and must keep no heads or mlp units");
    BlockPlan gone = new BlockPlan(false, AttentionKind.MSA, List.of(), List.of());
    assertThatThrownBy(() -> new PruningPlan(BASE, List.of(0), List.of(gone, gone, gone)))
        .hasMessage("plan must keep at least one block");
  }

  @Test
  void refusesJsonOfAnotherFormat() {
    assertThatThrownBy(() -> PruningPlan.fromJson("{\"format\":\"espalier.plan/2\"}"))
        .hasMessage("format must be espalier.plan/1 but is espalier.plan/2");
    assertThatThrownBy(() -> PruningPlan.fromJson("[]"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static PruningPlan withMlp(List<Integer> mlp) {
    return withBlock(BlockPlan.aligned(List.of(0), List.of(0), List.of(0), mlp));
  }

  private static PruningPlan withBlock(BlockPlan block) {
    List<BlockPlan> blocks = new ArrayList<>(PruningPlan.identity(BASE).blocks());
    blocks.set(1, block);
    return new PruningPlan(BASE, List.of(0, 1), blocks);
  }
}
