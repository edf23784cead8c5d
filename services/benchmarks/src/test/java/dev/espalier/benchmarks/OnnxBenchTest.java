package dev.espalier.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.espalier.architecture.cost.Cost;
import dev.espalier.architecture.cost.TargetKind;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.VitWeights;
import dev.espalier.pruning.evaluation.SpeedComparison;
import dev.espalier.pruning.vit.VitInitializer;
import java.util.List;
import org.junit.jupiter.api.Test;

class OnnxBenchTest {

  /** The benchmark's four contenders on a small model; the whole one where it is asked for. */
  @Test
  void measuresBaseAndHalfInBothRuntimes() {
    VitArchitecture vit = VitArchitecture.uniform(28, 4, 1, 10, 64, 2, 2, 256);
    VitWeights base = VitInitializer.weights(vit, 0);
    VitWeights half = PrunedBench.half(base);

    List<SpeedComparison> speeds = OnnxBench.measure(base, half, 4, 1, 2);

    assertThat(Cost.of(half.architecture()).keepRatio(Cost.of(vit), TargetKind.MACS))
        .isBetween(0.48, 0.52);
    assertThat(speeds).hasSize(2);
    assertThat(speeds).allSatisfy(speed -> assertThat(speed.cutBatch().p50Ms()).isPositive());
    if (Boolean.getBoolean("espalier.bench")) {
      OnnxBench.main(new String[0]);
    }
  }
}
