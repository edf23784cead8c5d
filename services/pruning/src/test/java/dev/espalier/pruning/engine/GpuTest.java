package dev.espalier.pruning.engine;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.util.cuda.CudaUtils;
import dev.espalier.pruning.vit.Gates;
import dev.espalier.pruning.vit.VitModel;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/**
 * What the other tests say of the processor, of the first GPU; needs a CUDA build of the library.
 */
@Tag("gpu")
@EnabledIf(value = "isThere", disabledReason = "gpu: no CUDA device here")
class GpuTest {

  static boolean isThere() {
    return CudaUtils.getGpuCount() > 0;
  }

  @Test
  void computesOnTheGpuWhatPyTorchComputedOnTheProcessor() {
    TensorEngine tensors = TensorEngine.start(new EngineSettings("gpu0", 1, Optional.empty()));
    ParityCase parity = ParityCase.TIMM_GRAY28;
    try (NDManager manager = tensors.newManager();
        VitEngine engine = VitEngine.fast(tensors, Precision.FP32);
        VitModel model = VitModel.trainable(tensors, parity.weights(manager));
        AdamW optimizer =
            engine.newOptimizer(model, new AdamWSettings(0.9, 0.999, 1e-8, 0.05, true))) {
      Map<String, NDArray> io = parity.io(manager);
      NDArray images = io.get("input").toDevice(tensors.device(), true);
      NDArray labels = io.get("labels").toDevice(tensors.device(), true);
      for (double loss : io.get("adamw.losses").toDoubleArray()) {
        VitEngine.BatchResult result =
            engine.backward(model, images, labels, Objective.CROSS_ENTROPY, null, Gates.NONE);
        assertThat(Math.abs(result.loss() - loss)).isLessThan(1e-3);
        optimizer.step(1e-3);
      }
      assertThat(engine.logits(model, images).getDevice().isGpu()).isTrue();
    }
  }
}
