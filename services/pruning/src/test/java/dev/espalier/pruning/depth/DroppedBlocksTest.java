package dev.espalier.pruning.depth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.plan.BlockPlan;
import dev.espalier.architecture.plan.PruningPlan;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.TinyVit;
import dev.espalier.pruning.method.PlanRequest;
import dev.espalier.pruning.sparsity.GateTrials;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class DroppedBlocksTest {

  private static final VitArchitecture DEEP = VitArchitecture.uniform(28, 4, 1, 10, 48, 12, 4, 192);

  @Test
  void dropsTheLastOrEvenlySpacedBlocks() {
    assertThat(DroppedBlocks.last().blocks(12, 3)).containsExactly(9, 10, 11);
    assertThat(DroppedBlocks.evenly().blocks(12, 4)).containsExactly(1, 4, 7, 10);
    assertThat(DroppedBlocks.evenly().blocks(12, 6)).containsExactly(1, 3, 5, 7, 9, 11);
    assertThat(DroppedBlocks.evenly().blocks(6, 1)).containsExactly(3);
    for (int dropped = 0; dropped < 12; dropped++) {
      assertThat(DroppedBlocks.evenly().blocks(12, dropped)).hasSize(dropped);
    }
  }

  @Test
  void comesDownToTheTargetByAsFewBlocksAsItTakesAndIsCutWhole() {
    for (TargetKind kind : TargetKind.COUNTED) {
      for (double keep : new double[] {0.8, 0.65, 0.5, 0.35, 0.2}) {
        PruningPlan plan = plan(DroppedBlocks.evenly(), DEEP, kind, keep, 1);
        double cost = plan.cost().keepRatio(Cost.of(DEEP), kind);
        assertThat(cost).isBetween(keep - 1.0 / 12, keep * 1.01);
      }
    }
    PruningPlan plan = plan(DroppedBlocks.last(), DEEP, TargetKind.MACS, 0.5, 4);
    assertThat(plan.blocks().stream().filter(BlockPlan::kept).count() % 4).isZero();
    VitArchitecture tiny = TrainedTinyVit.SHAPE;
    for (DroppedBlocks method : List.of(DroppedBlocks.last(), DroppedBlocks.evenly())) {
      GateTrials.assertCutIsHonest(
          TinyVit.weights(tiny, 4), plan(method, tiny, TargetKind.MACS, 0.7, 1));
    }
  }

  @Test
  void refusesLessThanOneBlock() {
    assertThatThrownBy(() -> plan(DroppedBlocks.last(), DEEP, TargetKind.MACS, 0.05, 1))
        .hasMessageContaining("keep ratio of macs must be at least 0.")
        .hasMessageContaining("one block");
  }

  private static PruningPlan plan(
      DroppedBlocks method, VitArchitecture base, TargetKind kind, double keep, int alignment) {
    return method.plan(PlanRequest.of(base, null, Optional.empty(), kind, keep, alignment));
  }
}
