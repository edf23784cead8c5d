package dev.espalier.pruning.engine;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import dev.espalier.pruning.OnGpu;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What {@link ParityTest} says of both engines, on a GPU and within the same tolerances, which TF32
 * would not keep; and bfloat16 near float32.
 */
@OnGpu
class GpuParityTest extends ParityTest {

  /** Of the largest value: bfloat16 has 8 bits of mantissa, and a few layers follow each other. */
  private static final float BF16 = 0.05f;

  @Test
  void resultsLieOnTheDevice() {
    try (NDManager manager = Engines.TENSORS.newManager();
        VitEngine engine = Engines.FAST.open();
        VitModel model =
            VitModel.frozen(Engines.TENSORS, ParityCase.TIMM_GRAY28.weights(manager))) {
      NDArray logits =
          engine.logits(model, ParityCase.TIMM_GRAY28.io(manager).get("input"), Gates.NONE);
      assertThat(logits.getDevice()).isEqualTo(Engines.TENSORS.device());
    }
  }

  @ParameterizedTest
  @EnumSource
  void bfloat16IsNearFloat32(ParityCase parity) {
    try (NDManager manager = Engines.TENSORS.newManager();
        VitEngine engine = Engines.FAST_BF16.open();
        VitModel model = VitModel.trainable(Engines.TENSORS, parity.weights(manager))) {
      Map<String, NDArray> io = parity.io(manager);
      NDArray expected = io.get("logits");
      assertClose(
          "logits",
          engine.logits(model, io.get("input")),
          expected,
          BF16 * expected.abs().max().getFloat());
      VitEngine.BatchResult result =
          engine.backward(
              model, io.get("input"), io.get("labels"), Objective.CROSS_ENTROPY, null, Gates.NONE);
      assertThat(result.loss() / io.get("loss").getFloat(0)).isBetween(1 - BF16, 1 + BF16);
      Map<String, NDArray> gradients = parity.gradients(manager);
      gradients.forEach(
          (name, gradient) -> {
            NDArray found = model.gradient(name, manager);
            double similar =
                found.mul(gradient).sum().getFloat()
                    / Math.max(1e-12, found.norm().getFloat() * gradient.norm().getFloat());
            if (gradient.norm().getFloat() > 1e-4) {
              assertThat(similar).as("cosine of %s", name).isGreaterThan(0.98);
            }
          });
    }
  }
}
