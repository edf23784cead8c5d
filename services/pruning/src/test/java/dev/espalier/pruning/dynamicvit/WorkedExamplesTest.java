package dev.espalier.pruning.dynamicvit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.espalier.pruning.TrainedTinyVit;
import dev.espalier.pruning.engine.Objective;
import dev.espalier.pruning.engine.ReferenceVitEngine;
import dev.espalier.pruning.tensor.GradientMode;
import dev.espalier.pruning.tensor.TensorEngine;
import dev.espalier.pruning.vit.VitForward;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The numbers of {@code methods/dynamicvit.md} §12. */
class WorkedExamplesTest {

  private final NDManager manager = TrainedTinyVit.TENSORS.newManager();

  @AfterEach
  void free() {
    manager.close();
  }

  @Test
  void attentionIsMaskedWithASelfLoop() {
    NDArray logits = logits();
    NDArray policy = manager.create(new float[] {1, 0, 1});

    float[] exact = VitForward.maskedSoftmax(logits, policy, 0).toFloatArray();
    assertClose(List.of(exact[0], exact[1], exact[2]), 0.880797, 0, 0.119203);
    assertClose(List.of(exact[3], exact[4], exact[5]), 0.665241, 0.244728, 0.090031);

    float leak = VitForward.maskedSoftmax(logits, policy, 1e-6).toFloatArray()[1];
    assertThat(leak).isEqualTo(2.936e-7f, within(1e-10f));
  }

  @Test
  void theGradientReachesADroppedToken() {
    NDArray policy = manager.create(new float[] {1, 0, 1});
    policy.setRequiresGradient(true);
    NDArray values = manager.create(new float[] {1, 5, 3}, new Shape(1, 1, 3, 1));
    try (GradientMode recording = GradientMode.recording()) {
      NDArray out = VitForward.maskedSoftmax(logits(), policy, 0).matMul(values).get("0, 0, 0, 0");
      assertThat(out.getFloat()).isEqualTo(1.238406f, within(1e-6f));
      TensorEngine.backward(out);
    }
    // The self loop of row 0 does not depend on policy 0: §12b counts it as if it did.
    float[] gradient = policy.getGradient().toFloatArray();
    assertThat(gradient[1]).isEqualTo(1.218859f, within(1e-5f));
    assertThat(gradient[2]).isEqualTo(0.209987f, within(1e-5f));
  }

  @Test
  void theGumbelDecisionIsHardForwardAndNeverTakenBack() {
    NDArray scores = manager.create(new float[] {log(0.6), log(0.4)}, new Shape(1, 1, 2));
    NDArray noise = manager.create(new float[] {0.1f, 0.9f}, new Shape(1, 1, 2));
    NDArray all = manager.ones(new Shape(1, 1));

    assertThat(scores.add(noise).toFloatArray())
        .containsExactly(new float[] {-0.410826f, -0.016291f}, within(1e-6f));
    assertThat(scores.add(noise).softmax(2).toFloatArray()[0]).isEqualTo(0.402626f, within(1e-6f));
    assertThat(Decision.next(scores, noise, all).toFloatArray()).containsExactly(0f);
    NDArray keep = manager.create(new float[] {50, 0}, new Shape(1, 1, 2));
    assertThat(Decision.next(scores, keep, all).toFloatArray()).containsExactly(1f);
    assertThat(Decision.next(scores, keep, all.zerosLike()).toFloatArray()).containsExactly(0f);
  }

  @Test
  void theRatioLossIsPerImage() {
    assertThat(Losses.ratio(twoStages(), List.of(0.5, 0.25)).getFloat())
        .isEqualTo(0.046875f, within(1e-6f));
    NDArray exact = manager.create(new float[] {1, 1, 0, 0, 0, 1, 0, 1}, new Shape(2, 4));
    assertThat(Losses.ratio(List.of(exact), List.of(0.5)).getFloat()).isZero();
  }

  @Test
  void theFourLossesAddUp() {
    NDArray student = manager.create(new float[] {1, 0}, new Shape(1, 2));
    NDArray teacher = manager.create(new float[] {2, 0}, new Shape(1, 2));
    NDArray label = manager.create(new long[] {0});
    NDArray kept = manager.create(new float[] {1, 0}, new Shape(1, 2));
    NDArray tokens = manager.create(new float[] {1, 2, 9, 9}, new Shape(1, 2, 2));
    NDArray taught = manager.create(new float[] {0, 4, 0, 0}, new Shape(1, 2, 2));
    assertThat(ReferenceVitEngine.divergence(student, teacher, new Objective(0, 1, 1)).getFloat())
        .isEqualTo(0.067131f, within(1e-6f));
    assertThat(ReferenceVitEngine.divergence(teacher, student, new Objective(0, 1, 1)).getFloat())
        .as("the other way round")
        .isEqualTo(0.082608f, within(1e-6f));
    assertThat(Losses.distillation(tokens, taught, kept).getFloat()).isEqualTo(2.5f);
    assertThat(Losses.distillation(tokens, taught, kept.zerosLike()).getFloat()).isZero();

    SparsePass pass = new SparsePass(student, tokens, List.of(kept));
    SparsePass guide = new SparsePass(teacher, taught, List.of());
    double ratio = 2 * 0.25 * 0.25; // half is kept, a quarter is wanted
    Losses all = losses(pass, guide, label, new Losses.Weights(0.5, 0.5, 2));
    double total = 0.313262 + 0.033565 + 1.25 + ratio;
    assertThat(all.total().getFloat()).isEqualTo((float) total, within(1e-6f));
    assertThat(all.classification().getFloat()).isEqualTo(0.313262f, within(1e-6f));
    NDArray twoStages = Losses.ratio(twoStages(), List.of(0.5, 0.25)).mul(2);
    Losses example =
        new Losses(all.classification(), all.divergence(), all.distillation(), twoStages);
    assertThat(example.total().getFloat()).isEqualTo(1.690577f, within(1e-6f));
    assertThat(losses(pass, guide, label, new Losses.Weights(0, 0.5, 2)).total().getFloat())
        .isEqualTo((float) (total - 0.033565), within(1e-6f));
    assertThat(losses(pass, guide, label, new Losses.Weights(0.5, 0, 2)).total().getFloat())
        .isEqualTo((float) (total - 1.25), within(1e-6f));
    assertThat(losses(pass, guide, label, new Losses.Weights(0.5, 0.5, 0)).total().getFloat())
        .isEqualTo((float) (total - ratio), within(1e-6f));
  }

  @Test
  void countsAreRoundedDownWithoutLosingOneToTheFloatingPoint() {
    assertThat(Stages.patches(196, 0.7, 3, 1)).containsExactly(137, 96, 67);
    assertThat(Stages.patches(49, 0.7, 3, 1)).containsExactly(34, 24, 16);
    assertThat(Stages.patches(49, 0.5, 3, 1)).containsExactly(24, 12, 6);
    assertThat(Stages.patches(49, 0.9, 3, 1)).containsExactly(44, 39, 35);
    assertThat(Stages.patches(100, 0.7, 3, 1)).containsExactly(70, 49, 34);
    assertThat(Stages.patches(196, 0.7, 3, 8)).containsExactly(136, 96, 64);
  }

  @Test
  void predictorsStandWhereThePaperHasThem() {
    assertThat(Stages.places(12, 3)).containsExactly(3, 6, 9);
    assertThat(Stages.places(16, 3)).containsExactly(4, 8, 12);
    assertThat(Stages.places(20, 3)).containsExactly(5, 10, 15);
    assertThat(Stages.places(6, 3)).containsExactly(1, 3, 4);
    assertThat(Stages.places(3, 3)).containsExactly(1, 2);
  }

  /** Decisions of §12 d. */
  private List<NDArray> twoStages() {
    return List.of(
        manager.create(new float[] {1, 1, 0, 1, 0, 1, 0, 0}, new Shape(2, 4)),
        manager.create(new float[] {1, 0, 0, 0, 0, 0, 0, 0}, new Shape(2, 4)));
  }

  private static Losses losses(
      SparsePass pass, SparsePass guide, NDArray label, Losses.Weights weights) {
    return Losses.of(pass, guide, label, List.of(0.25), weights);
  }

  private NDArray logits() {
    return manager.create(new float[] {2, 1, 0, 2, 1, 0, 2, 1, 0}, new Shape(1, 1, 3, 3));
  }

  private static float log(double value) {
    return (float) Math.log(value);
  }

  private static void assertClose(List<Float> found, double... expected) {
    for (int i = 0; i < expected.length; i++) {
      assertThat(found.get(i).doubleValue()).isEqualTo(expected[i], within(1e-6));
    }
  }
}
