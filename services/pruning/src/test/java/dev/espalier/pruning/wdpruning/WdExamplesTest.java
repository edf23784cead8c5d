package dev.espalier.pruning.wdpruning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.architecture.vit.AttentionKind;
import dev.espalier.architecture.vit.BlockShape;
import dev.espalier.architecture.vit.VitArchitecture;
import dev.espalier.architecture.weights.Tensor;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The worked examples of {@code methods/wdpruning.md} §11, and §9's tests of single parts. */
class WdExamplesTest {

  private static final VitArchitecture ONE_BLOCK =
      VitArchitecture.uniform(8, 4, 1, 5, 16, 1, 16, 64);

  @Test
  void keepsTheHighestScores() {
    assertThat(Threshold.keptShare(0)).isEqualTo(0.5);
    assertThat(Threshold.kept(0.5, 5, 16)).isEqualTo(3);
    assertThat(Threshold.best(new float[] {0.3f, -0.1f, 0.5f, 0.2f, 0}, 3))
        .containsExactly(0, 2, 3);
    assertThat(Threshold.best(new float[4], 2)).as("ties go by index").containsExactly(0, 1);
  }

  @Test
  void passesTheMasksGradientStraightThrough() {
    try (NDManager manager = TrainedTinyVit.TENSORS.newManager();
        GradientMode recording = GradientMode.recording()) {
      NDArray scores = manager.create(new float[] {0.3f, -0.1f, 0.5f, 0.2f, 0});
      NDArray beta = manager.create(new float[] {0});
      scores.setRequiresGradient(true);
      beta.setRequiresGradient(true);
      NDArray hard = manager.create(new float[] {1, 0, 1, 1, 0});
      NDArray mask =
          WidthMasks.mask(hard, WidthMasks.zero(scores, manager), WidthMasks.zero(beta, manager));
      assertThat(mask.toFloatArray()).containsExactly(1, 0, 1, 1, 0);

      NDArray y = mask.mul(manager.create(new float[] {2, 1, -1, 3, 4})).sum();
      assertThat(y.getFloat()).isEqualTo(4);
      TensorEngine.backward(y.mul(y).mul(manager.create(0.5f)));

      assertThat(scores.getGradient().toFloatArray()).containsExactly(8, 4, -4, 12, 16);
      assertThat(beta.getGradient().toFloatArray()).containsExactly(16);
    }
  }

  @Test
  void roundsToTheNearestMultiple() {
    assertThat(Threshold.kept(0.7, 48, 16)).isEqualTo(32);
    assertThat(Threshold.kept(0.5, 48, 16)).as("half-way goes up").isEqualTo(32);
    assertThat(Threshold.kept(0.1, 48, 16)).as("never 0").isEqualTo(16);
    assertThat(Threshold.kept(0.7, 384, 16)).isEqualTo(272);
    assertThat(Threshold.kept(0.7, 12, 16)).isEqualTo(9);
    assertThat(Threshold.kept(0.7, 16, 16)).isEqualTo(16);
    assertThat(Threshold.kept(0.7, 16, 1)).as("heads are not rounded").isEqualTo(12);
  }

  @Test
  void countsWhatThresholdsLeave() {
    Remaining remaining = new Remaining(ONE_BLOCK);
    double[][] betas = {
      {Threshold.of(0.75), Threshold.of(0.5), Threshold.of(0.5), Threshold.of(0.25)}
    };
    double left = remaining.of(betas);
    assertThat(left).isEqualTo(0.427083, within(1e-6));
    assertThat(left - 0.4).isEqualTo(0.0270833, within(1e-7));

    Multipliers multipliers = new Multipliers(false, 1);
    multipliers.restore(new Tensor(new int[] {7}, new float[] {2, 3, 0, 0, 0, 0, 0}));
    assertThat(multipliers.penalty(left, 0.4)).isEqualTo(0.0563672, within(1e-6));
    assertThat(multipliers.penalty(left, 0.43)).isZero();
    assertThat(multipliers.slope(left, 0.43)).isZero();
    double slope = multipliers.slope(left, 0.4);
    double[] gradient = Arrays.stream(remaining.gradient(betas)[0]).map(g -> slope * g).toArray();
    assertThat(gradient)
        .containsExactly(new double[] {0.118262, 0.033789, 0.225260, 0.067578}, within(1e-6));
  }

  @Test
  void countedParametersAndRemainingShareAgree() {
    // keeps 12 of 16 heads, 8 of 16 rows, 32 of 64 hidden units, 4 of 16 rows
    double[][] betas = {
      {Threshold.of(0.75), Threshold.of(0.5), Threshold.of(0.5), Threshold.of(0.25)}
    };
    double counted = 16 * 3 * 12 + 12 * 8 + 16 * 32 + 32 * 4;
    assertThat(new Remaining(ONE_BLOCK).of(betas))
        .isEqualTo(counted / (12 * 16 * 16), within(1e-12));
  }

  @Test
  void neverCountsLessThanOneUnit() {
    double[][] betas = {{-40, -40, -40, -40}};
    Remaining remaining = new Remaining(ONE_BLOCK);
    assertThat(remaining.of(betas)).isGreaterThan(0);
    assertThat(remaining.gradient(betas)[0]).containsExactly(0, 0, 0, 0);
  }

  @Test
  void climbsByTheAdamRuleOrPlainly() {
    double over = 0.0270833;
    double target = 0.4;
    Multipliers adam = new Multipliers(true, 10);
    adam.ascend(target + over, target, 1);
    assertThat(adam.values()).containsExactly(new double[] {10, 10}, within(1e-3));
    Multipliers plain = new Multipliers(false, 10);
    plain.ascend(target + over, target, 1);
    assertThat(plain.values()).containsExactly(new double[] {0.270833, 0.0073351}, within(1e-6));
    plain.ascend(target - 0.1, target, 1);
    assertThat(plain.values())
        .as("not while the budget holds")
        .containsExactly(new double[] {0.270833, 0.0073351}, within(1e-6));
  }

  @Test
  void budgetAloneBringsWhatRemainsToTheTarget() {
    Remaining remaining = new Remaining(TrainedTinyVit.SHAPE);
    double[][] betas = new double[3][4];
    for (double[] block : betas) {
      Arrays.fill(block, 4);
    }
    Multipliers multipliers = new Multipliers(true, 10);
    double target = 0.5;
    for (int step = 0; step < 1000; step++) {
      double left = remaining.of(betas);
      double slope = multipliers.slope(left, target);
      double[][] gradient = remaining.gradient(betas);
      for (int l = 0; l < 3; l++) {
        for (int i = 0; i < 4; i++) {
          betas[l][i] -= 0.02 * Math.signum(slope * gradient[l][i]);
        }
      }
      multipliers.ascend(left, target, 1);
    }
    assertThat(remaining.of(betas)).isBetween(target * 0.99, target);
  }

  @Test
  void takesTheShallowestClassifierThatIsGoodEnough() {
    Map<Integer, Double> accuracies = Map.of(4, 0.881, 5, 0.896, 6, 0.898);
    assertThat(Findings.shallowest(accuracies, 0.5)).isEqualTo(5);
    assertThat(Findings.shallowest(accuracies, 2.0)).isEqualTo(4);
    assertThat(Findings.shallowest(accuracies, 0)).isEqualTo(6);
  }

  @Test
  void refusesABaseWithoutPlainAttention() {
    VitArchitecture skipping =
        new VitArchitecture(
            8, 4, 1, 5, 1, 16, 16, 1e-6, List.of(new BlockShape(AttentionKind.SKIP, 0, 0, 0, 64)));
    assertThatThrownBy(() -> Widths.requirePlain(skipping))
        .hasMessageContaining("block 0 must have attention");
  }
}
